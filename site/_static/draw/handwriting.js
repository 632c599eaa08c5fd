// A photo of handwriting, step by step: what is found in it, and what the networks read.
"use strict";

globalThis.mnistconv = globalThis.mnistconv ?? {};

(() => {
  const m = globalThis.mnistconv;
  const AT_ONCE = 4; // digits between two pauses: the pen comes first

  const plural = (count, one, many = `${one}s`) => `${count} ${count === 1 ? one : many}`;

  // What is worked out, and said --------------------------------------------------------------------

  /** Why pieces were left out: "2 cut by the edge, 1 speck"; nothing where none was. */
  function leftOutInWords({ edge, lines, specks, dashes, more }) {
    const parts = [];
    if (edge) parts.push(`${edge} cut by the edge`);
    if (lines) parts.push(plural(lines, "line"));
    if (dashes) parts.push(plural(dashes, "dash", "dashes"));
    if (specks) parts.push(plural(specks, "speck"));
    if (more) parts.push(`${more} more than the ${m.MOST_DIGITS} that are read`);
    return parts.join(", ");
  }

  /** What was found in the photo, in a sentence or two. */
  function foundInWords({ rows, leftOut }) {
    const digits = rows.flat();
    const without = leftOutInWords(leftOut);
    if (!digits.length) {
      return `No digit was found${without ? ` (left out: ${without})` : ""}. Write larger or darker, come closer, and leave paper around the digits.`;
    }
    const wide = digits.flatMap(({ isWide }, i) => (isWide ? [i + 1] : []));
    const doubt = wide.length
      ? ` ${wide.length > 1 ? "Numbers" : "Number"} ${wide.join(", ")}: wide for one digit. Two that touch are read as one.`
      : "";
    const count = leftOut.more ? `More than ${m.MOST_DIGITS} pieces were found, too many for digits` : `${plural(digits.length, "digit")} found`;
    return `${count}${without ? `; left out: ${without}` : ""}.${doubt}`;
  }

  /** How many of `read` are what the reader `wrote`: "9 of 10"; nothing where the numbers differ. */
  function rightInWords(wrote, read) {
    const digits = wrote.replace(/\D/g, "");
    if (!digits || digits.length !== read.length) return "";
    return `${read.filter((digit, i) => digit === Number(digits[i])).length} of ${read.length}`;
  }

  const MIDDLE = Object.fromEntries(Object.entries(m.SLIDERS).map(([name, [, , rest]]) => [name, rest]));

  /** The functions of the chain, each done anew only where what it gets is new. */
  function makeChain() {
    const turned = m.onlyAnew((photo, quarters) => {
      let pixels = { ...photo, data: new Uint32Array(photo.data.buffer) };
      for (let i = 0; i < quarters; i++) pixels = m.quarterTurn(pixels);
      return { ...pixels, data: new Uint8ClampedArray(pixels.data.buffer) };
    });
    const grey = m.onlyAnew((pixels) => m.smooth(m.greyOf(pixels)));
    const paper = m.onlyAnew(m.paperOf);
    const ink = m.onlyAnew((image, sheet, isWithout) =>
      m.inkOfPhoto(image, isWithout ? sheet : null, m.isLightOnDark(image, sheet)));
    const found = m.onlyAnew((image, isTidy) => {
      const threshold = m.thresholdOf(image);
      const { labels, pieces } = m.piecesOf(image, threshold, isTidy ? 1 : 0);
      return { ink: image, labels, threshold, ...m.digitsOf(pieces, image, isTidy) };
    });
    const cuts = m.onlyAnew(({ ink: image, labels, rows }, isBlackWhite, isThick, isInverted) =>
      rows.flat().map((digit) => m.cutOut(image, labels, digit, { isBlackWhite, isThick, isInverted })));
    const inputs = m.onlyAnew((images, centre) => images.map((image) => m.pictureOf(image, { ...MIDDLE, centre })));
    return { turned, grey, paper, ink, found, cuts, inputs };
  }

  // The section -----------------------------------------------------------------------------------------

  /** The section's part of the page: `$` finds elements, `reveal()` brings the board into view. Returns `show(view)`. */
  function makeHandwriting({ $, store, shelf, names, voice, reveal }) {
    const chain = makeChain();
    const rows = new Map([...$("photo-reads").children].map((row) => [row.dataset.network, row]));
    const switches = [...$("photo").querySelectorAll("[data-step]")];
    let run = 0; // counts the computations, so that an older one stops
    let asked = [];
    let answers = {}; // of each network, [{digit, probability}] as far as it has read
    let drawn = { cuts: [], name: "" }; // what the cards show that stand there, and of which photo
    let summary = ""; // what was found, in words
    let view = null; // the latest

    m.listenForPhotos({
      inputs: $("photo").querySelectorAll("input[type='file']"),
      place: $("photo"),
      begin: ({ name }) => store.change({ reading: name || "the picture" }),
      show: (photo) => store.change({ photo, turned: 0, refusal: "", reading: "" }),
      refuse(refusal) {
        store.change({ refusal, reading: "" });
        voice.now(refusal);
      },
    });
    for (const box of switches) {
      box.addEventListener("change", () => {
        const { steps } = store.state;
        store.change({ steps: { ...steps, [box.dataset.step]: box.checked } });
      });
    }
    $("photo-centre").addEventListener("change", () => store.change({ centre: $("photo-centre").checked }));
    $("photo-turn").addEventListener("click", () => store.change({ turned: (store.state.turned + 1) % 4 }));
    $("wrote").addEventListener("input", () => store.change({ wrote: $("wrote").value }));
    $("photo-digits").addEventListener("click", (event) => {
      const card = event.target.closest("button");
      if (!card) return;
      const place = [...$("photo-digits").querySelectorAll("button")].indexOf(card);
      const picture = { ink: drawn.cuts[place], source: `Digit ${place + 1} of ${drawn.name}.` };
      store.change(m.putOnBoard(store.state, { strokes: [], digit: null, picture }));
      reveal();
    });

    /** Lets the page do what waits; then whether the computation `mine` is still the latest. */
    async function isWanted(mine) {
      await new Promise((done) => setTimeout(done));
      return mine === run;
    }

    function showSummary() {
      const { reading } = store.state;
      $("photo-says").textContent = reading ? `Reading ${reading} …` : summary;
    }

    // What the networks read

    function showAnswers() {
      const { state: { wrote }, network } = view;
      const chosen = answers[network.name] ?? [];
      $("photo-digits").querySelectorAll(".draw-read").forEach((place, i) => {
        place.textContent = chosen[i] ? `${chosen[i].digit} · ${m.share(chosen[i].probability)}` : "…";
      });
      const digits = wrote.replace(/\D/g, "");
      const count = drawn.cuts.length;
      const right = digits.length === count ? [...digits].map(Number) : chosen.map(({ digit }) => digit);
      for (const [name, row] of rows) {
        const read = answers[name] ?? [];
        const [all, share] = row.querySelectorAll("td");
        all.replaceChildren(...read.flatMap(({ digit }, i) => [m.element(digit === right[i] ? "span" : "mark", {}, digit), " "]));
        share.textContent = read.length === count ? rightInWords(wrote, read.map(({ digit }) => digit)) : "";
      }
      $("photo-count").textContent = digits && count && digits.length !== count
        ? `You wrote ${plural(digits.length, "digit")}; ${count} ${count === 1 ? "was" : "were"} found.` : "";
    }

    async function read(inputs, mine) {
      const chosen = view.network.name;
      for (const name of [chosen, ...names.filter((one) => one !== chosen)]) {
        const network = await shelf.bring(name);
        if (mine !== run) return;
        if (!network) continue;
        answers[name] = [];
        for (const input of inputs) {
          const { values } = m.forward(network, input).probabilities;
          const digit = m.argmax(values);
          answers[name].push({ digit, probability: values[digit] });
          if (answers[name].length % AT_ONCE) continue;
          if (!await isWanted(mine)) return;
        }
        showAnswers();
        if (name === chosen && inputs.length) {
          voice.now(`${summary} ${name} reads: ${answers[name].map(({ digit }) => digit).join(" ")}.`);
        }
      }
    }

    // What is shown of the steps

    function showCards(found, cuts, inputs) {
      let number = 0;
      $("photo-digits").replaceChildren(...found.rows.map((row) => m.element("div", {}, ...row.map(({ isWide }) => {
        const [cut, input] = [0, 1].map(() => m.element("canvas", { "aria-hidden": "true" }));
        m.paintGrey(cut, cuts[number]);
        m.paintGrey(input, { width: m.SIDE, height: m.SIDE, data: inputs[number] });
        number += 1;
        return m.element("button", { type: "button", class: isWide ? "draw-found draw-wide" : "draw-found" },
          m.element("span", { class: "draw-number" }, number), cut, input,
          m.element("span", { class: "draw-read" }, "…"), m.element("span", { class: "visually-hidden" }, "Put it on the board"));
      }))));
    }

    async function work({ state, colours }) {
      const { photo, steps, centre } = state;
      const mine = ++run;
      const start = performance.now();
      const pixels = chain.turned(photo, state.turned);
      m.paintPixels($("photo-colour"), pixels);
      if (!await isWanted(mine)) return;
      const grey = chain.grey(pixels);
      m.paintGrey($("photo-grey"), grey);
      if (!await isWanted(mine)) return;
      const paper = chain.paper(grey);
      if (!await isWanted(mine)) return;
      const ink = chain.ink(grey, paper, steps.isWithoutPaper);
      m.paintGrey($("photo-ink"), ink, (value) => 1 - value);
      if (!await isWanted(mine)) return;
      const found = chain.found(ink, steps.isTidy);
      if (!await isWanted(mine)) return;
      m.paintGrey($("photo-bw"), ink, (value) => (steps.isBlackWhite ? Number(value <= found.threshold) : 1 - value));
      $("photo-threshold").textContent = `ink: darker than paper by ${Math.round(100 * found.threshold)} %`;
      m.paintBoxes($("photo-found"), pixels, found.rows, colours);
      summary = foundInWords(found);
      showSummary();
      if (!await isWanted(mine)) return;
      const cuts = chain.cuts(found, steps.isBlackWhite, steps.isThick, steps.isInverted);
      const inputs = chain.inputs(cuts, centre);
      showCards(found, cuts, inputs);
      drawn = { cuts, name: photo.name };
      $("photo").dataset.took = Math.round(performance.now() - start);
      answers = {};
      showAnswers();
      if (!inputs.length) voice.now(summary);
      await read(inputs, mine);
      if (mine === run) $("photo").dataset.done = run;
    }

    return (next) => {
      view = next;
      const { state, colours } = view;
      for (const box of switches) box.checked = state.steps[box.dataset.step];
      $("photo-centre").checked = state.centre;
      $("photo-turn").disabled = !state.photo;
      if (state.wrote !== $("wrote").value) $("wrote").value = state.wrote;
      $("photo-refusal").textContent = state.refusal;
      showSummary();
      if (!state.photo) return;
      const now = [state.photo, state.turned, ...Object.values(state.steps), state.centre, colours];
      if (now.some((part, i) => part !== asked[i])) {
        asked = now;
        delete $("photo").dataset.done;
        work(view);
      } else showAnswers();
    };
  }

  Object.assign(m, { makeHandwriting, foundInWords, rightInWords });
})();

// Your own test set: asks all networks, and shows the count, its interval, the confusion matrix.
"use strict";

globalThis.mnistconv = globalThis.mnistconv ?? {};

(() => {
  const m = globalThis.mnistconv;
  const WAYS = { centred: true, asWritten: false }; // the switch "Scaled and centred" at the count
  const IN_WORDS = { centred: "scaled and centred", asWritten: "as written" };

  const wayOf = ({ centre }) => (centre ? "centred" : "asWritten");
  const percent = (share) => Math.round(100 * share);
  const intervalOf = ({ right, n }) => m.wilson(right, n).map(percent).join(" to ") + "\u00a0%";
  const ofAll = ({ right, n }) => `${right} of ${n}`;

  /** "relu reads 18 of your 20 digits, 95 % interval 70 to 97 %." */
  function verdictOf(name, way, count) {
    return `${name} reads ${count.right} of your ${count.n} ${count.n === 1 ? "digit" : "digits"}, ${IN_WORDS[way]}: 95\u00a0% interval ${intervalOf(count)}.`;
  }

  /** How often a set goes at least as badly if each digit is read right with the chance `share`, as of MNIST's. */
  function besideMnist({ right, n }, share) {
    const errors = n - right;
    const text = `Of MNIST's 10,000 test digits it reads ${(100 * share).toFixed(2)}\u00a0%. If yours were as easy for it, `;
    const chance = m.share(errors ? m.tailChance(errors, n, 1 - share) : share ** n);
    if (!errors) return `${text}${chance} of such sets would be read without an error.`;
    return `${text}at least ${errors} of ${n} would be misread in ${chance} of such sets.`;
  }

  /** "on 3: 2 to 1, p = 1.00": on how many digits two networks disagree, each one's alone right, McNemar's p. */
  function disagreementOf(asked, first, second) {
    const { differ, onlyFirst, onlySecond } = m.compareAnswers(asked, first, second);
    return [`on ${differ}`, `${onlyFirst} to ${onlySecond}, p\u00a0=\u00a0${m.mcnemar(onlyFirst, onlySecond).toFixed(2)}`];
  }

  const pause = () => new Promise((done) => setTimeout(done));

  /**
   * The part of the page that counts. `shelf` has the networks `names`. Returns `show(view)`.
   */
  function makeOwnCount({ $, store, shelf, names, voice }) {
    const rows = new Map([...$("own-rows").children].map((row) => [row.dataset.network, row]));

    // Asking ------------------------------------------------------------------------------------------

    /** Every drawing as a network gets it, {centred, asWritten}; null where there is none. */
    async function prepareAll({ written }) {
      const pictures = { centred: [], asWritten: [] };
      for (const strokes of written) {
        for (const [way, centre] of Object.entries(WAYS)) {
          pictures[way].push(strokes.length ? m.pictureOfStrokes(strokes, centre) : null);
        }
        await pause();
      }
      return pictures;
    }

    async function readAll(network, pictures) {
      const read = { centred: [], asWritten: [] };
      for (const way of Object.keys(WAYS)) {
        for (const picture of pictures[way]) {
          read[way].push(picture && m.argmax(m.forward(network, picture).probabilities.values));
          await pause();
        }
      }
      return read;
    }

    /** Asks every network that has not answered yet, the chosen one first; stops if the set is replaced. */
    async function askAll() {
      const { own, net } = store.state;
      const isOver = () => store.state.own !== own;
      const pictures = await prepareAll(own);
      for (const name of [net, ...names.filter((other) => other !== net)]) {
        if (isOver()) return;
        if (store.state.readings[name]) continue;
        store.change({ counting: name });
        const network = await shelf.bring(name);
        const read = network ? await readAll(network, pictures) : null;
        if (isOver()) return;
        store.change({ readings: { ...store.state.readings, [name]: read } });
      }
      store.change({ counting: null });
      voice.now(textsOf(store.state).join(" "));
    }

    $("own-count").addEventListener("click", () => {
      store.change(m.closeSet(store.state));
      const { own, ownNote, net, counting } = store.state;
      if (!own.isClosed) voice.now(ownNote);
      if (!own.isClosed || counting) return;
      store.change({ counting: net });
      $("own-result").hidden = false;
      $("own-heading").focus();
      askAll();
    });

    // Showing -----------------------------------------------------------------------------------------

    for (const [name, row] of rows) {
      for (const button of row.querySelectorAll("button")) {
        button.addEventListener("click", () => store.change({ net: name, centre: WAYS[button.dataset.way] }));
      }
    }

    function twoLines(element, first, second = "") {
      const [above, below] = element.children;
      m.setText(above, first);
      m.setText(below, second);
    }

    function showRow(name, row, { own, readings, counting, net, centre }) {
      const read = readings[name];
      const waiting = read === null ? "not loaded" : name === counting ? "reading …" : "–";
      for (const button of row.querySelectorAll("button")) {
        const { way } = button.dataset;
        const count = read && m.countRight(own.asked, read[way]);
        button.disabled = !count;
        button.ariaPressed = String(name === net && way === wayOf({ centre }));
        twoLines(button, count ? ofAll(count) : waiting, count ? intervalOf(count) : "");
      }
      const reference = name === net ? null : readings[net];
      const [differ, alone] = read && reference
        ? disagreementOf(own.asked, read[wayOf({ centre })], reference[wayOf({ centre })]) : ["–", ""];
      twoLines(row.querySelector("td:last-child"), differ, alone);
    }

    const showMatrix = m.onlyAnew((asked, read) => {
      const counts = m.confusionOf(asked, read);
      [...$("own-matrix").rows].forEach((row, a) => [...row.querySelectorAll("td")].forEach((cell, b) => {
        const count = counts[a][b];
        cell.textContent = count || "";
        cell.className = count ? `draw-tint ${a === b ? "positive" : "negative"}` : "";
      }));
    });

    function look(place) {
      const { state } = store;
      store.change(m.inspect(state, state.own.written[place]));
      $("board").scrollIntoView({ block: "center" });
      $("board").focus({ preventScroll: true });
    }

    const showMisread = m.onlyAnew((own, read, colours) => {
      const places = read ? m.misreadOf(own.asked, read) : [];
      const buttons = places.map((place) => {
        const canvas = m.element("canvas", { "aria-hidden": true });
        m.paintDrawing(canvas, own.written[place], colours);
        const text = `asked ${own.asked[place]}, read ${read[place]}`;
        const attributes = { type: "button", class: "draw-own-digit", "data-place": place, onclick: () => look(place) };
        return m.element("button", attributes, canvas, text);
      });
      $("own-misread").replaceChildren(...buttons);
      if (read && !places.length) $("own-misread").textContent = "None.";
    });

    /** From the main board back to the digit that was looked at. */
    $("own-return").addEventListener("click", () => {
      const { own, strokes } = store.state;
      const digit = $("own-misread").querySelector(`[data-place="${own.written.indexOf(strokes)}"]`);
      (digit ?? $("own-heading")).scrollIntoView({ block: "center" });
      (digit ?? $("own-heading")).focus({ preventScroll: true });
    });

    /** What the count of the chosen network says, and how it stands to MNIST's test digits. */
    function textsOf(state) {
      const { own, readings, net, counting } = state;
      const read = readings[net];
      if (read) {
        const count = m.countRight(own.asked, read[wayOf(state)]);
        const { right, testImages } = shelf.get("networks").find(({ name }) => name === net);
        return [verdictOf(net, wayOf(state), count), besideMnist(count, right / testImages)];
      }
      if (counting) return [`${counting} is loaded and asked …`, ""];
      return [read === null ? `The network ${net} could not be loaded.` : "", ""];
    }

    return ({ state, colours }) => {
      const { own, readings, counting, net, strokes } = state;
      const wasAsked = names.some((name) => name in readings) || counting !== null;
      const isLacking = names.some((name) => !readings[name]);
      const read = readings[net]?.[wayOf(state)];
      $("own-count").hidden = own.isClosed && !isLacking;
      $("own-count").disabled = counting !== null;
      m.setText($("own-count"), own.isClosed && wasAsked ? "Try again" : "Count");
      $("own-result").hidden = !own.isClosed || !wasAsked;
      $("own-return").hidden = !own.isClosed || !own.written.includes(strokes);
      const [verdict, beside] = textsOf(state);
      m.setText($("own-verdict"), verdict);
      m.setText($("own-beside"), beside);
      for (const [name, row] of rows) showRow(name, row, state);
      m.setText($("own-reference"), net);
      showMatrix(own.asked, read ?? NOTHING);
      showMisread(own, read, colours);
    };
  }

  const NOTHING = [];

  Object.assign(m, { makeOwnCount, verdictOf, besideMnist, disagreementOf });
})();

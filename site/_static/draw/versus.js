// "Why 3, and not 5?": the largest products traced to the pixels, and beside them what wiping out does.
"use strict";

globalThis.mnistconv = globalThis.mnistconv ?? {};

(() => {
  const m = globalThis.mnistconv;
  const REST = 150; // milliseconds without change before anything is computed
  const SLICE = 8; // milliseconds of computing at a stretch: the pen comes first
  const PATCH = 5;
  const COUNT = new Intl.NumberFormat("en", { notation: "compact", compactDisplay: "long" });

  const titleOf = ({ digit, rival }) => `Why ${digit}${rival === null ? "" : `, and not ${rival}`}?`;
  const nameOf = ({ digit, rival }) => (rival === null ? `the logit of ${digit}` : `the difference of ${digit} and ${rival}`);
  const capital = (text) => text[0].toUpperCase() + text.slice(1);
  const signed = (value) => (value < 0 ? `(${m.written(value)})` : m.written(value));

  /** "15 %" of the whole where that can be said: not where the rest takes some of it off again. */
  function partOf(part, whole) {
    const share = part / whole;
    return share > 0 && share < 1 ? `, ${Math.round(100 * share)} % of it` : "";
  }

  function sumInWords(question, logits) {
    const { digit, rival } = question;
    const minus = rival === null ? "" : ` − logit of ${rival} = ${m.written(logits[digit])} − ${signed(logits[rival])}`;
    return `Logit of ${digit}${minus} = ${m.written(m.numberOf(question, logits))}.`;
  }

  /** What the paths start and end with, in words: [sentence, sentence]; `count` is that of all paths. */
  function pathsInWords({ number, shown, others, bias, inputs, paths }, question, count) {
    const pixels = paths.flatMap((path) => path.pixels);
    const end = pixels.reduce((sum, { contribution }) => sum + contribution, 0);
    return [
      `${capital(nameOf(question))} is a sum of ${inputs.toLocaleString("en")} products and a bias. The ${paths.length} largest make ${m.written(shown)}`
        + `${partOf(shown, number)}; the other ${inputs - paths.length} make ${m.written(others)}, the bias ${m.written(bias)}: `
        + `${m.written(shown)} + ${signed(others)} + ${signed(bias)} = ${m.written(number)}.`,
      `Of ${COUNT.format(count)} paths, these ${paths.length} lead to ${pixels.length} pixels, and carry ${m.written(end)} of the ${m.written(number)} there.`,
    ];
  }

  /** What the map of products adds up to. */
  function productsInWords(total, number) {
    return `All pixels: ${m.written(total)}. Without any input: ${m.written(number - total)}. Together ${m.written(number)}.`;
  }

  /** What wiping out does at most: of a map of falls, from the number as it is. */
  function fallsInWords(falls, number) {
    const most = falls.reduce((a, b) => Math.max(a, b), 0);
    return `Now ${m.written(number)}; at worst it falls by ${m.written(most)}, to ${m.written(number - most)}.`;
  }

  const rowAndColumn = (place) => `row ${Math.floor(place / m.SIDE)}, column ${place % m.SIDE}`;

  function oddsInWords({ place, products, fall }, question) {
    const falls = fall < 0 ? "grows" : "falls";
    return `The last two maps are most at odds around ${rowAndColumn(place)} (framed): the products of those pixels add up to `
      + `${m.written(products)}, but without them ${nameOf(question)} ${falls} by ${m.written(Math.abs(fall))}. `
      + "Products count the units as they are; without the pixels other units and other winners of the pooling step in.";
  }

  /** A map in words, for those who do not see it. */
  function mapInWords(values, { digit, rival }) {
    const strongest = values.reduce((best, value, i) => (Math.abs(value) > Math.abs(values[best]) ? i : best), 0);
    if (values[strongest] === 0) return "All values are 0.";
    const against = rival === null ? `against ${digit}` : `for ${rival}`;
    return `Strongest ${values[strongest] > 0 ? `for ${digit}` : against}, ${m.written(values[strongest])}, at ${rowAndColumn(strongest)}.`;
  }

  // Painting ------------------------------------------------------------------------------------------

  /** Draws a line around the ink of `picture` on a canvas of the picture's layer. */
  function outline(canvas, picture, colours) {
    const pixel = canvas.width / m.SIDE;
    const isInk = (x, y) => x >= 0 && y >= 0 && x < m.SIDE && y < m.SIDE && picture[y * m.SIDE + x] > 0.5;
    const context = canvas.getContext("2d");
    context.beginPath();
    for (let y = 0; y <= m.SIDE; y++) {
      for (let x = 0; x <= m.SIDE; x++) {
        if (isInk(x, y) !== isInk(x - 1, y)) {
          context.moveTo(x * pixel, y * pixel);
          context.lineTo(x * pixel, (y + 1) * pixel);
        }
        if (isInk(x, y) !== isInk(x, y - 1)) {
          context.moveTo(x * pixel, y * pixel);
          context.lineTo((x + 1) * pixel, y * pixel);
        }
      }
    }
    context.strokeStyle = `rgb(${colours.muted.join(" ")})`;
    context.lineWidth = 1.5;
    context.stroke();
  }

  /** Writes the numbers of the paths at the windows in which they end: [{window, text}]. */
  function number(canvas, labels, colours) {
    const pixel = canvas.width / m.SIDE;
    const context = canvas.getContext("2d");
    context.font = "bold 15px sans-serif";
    context.textAlign = "center";
    for (const { window, text } of labels) {
      const x = (window.column + window.size / 2) * pixel;
      const y = window.row * pixel - 5 > 12 ? window.row * pixel - 5 : (window.row + window.size) * pixel + 16;
      context.lineWidth = 4;
      context.strokeStyle = `rgb(${colours.paper.join(" ")})`;
      context.strokeText(text, x, y);
      context.fillStyle = `rgb(${colours.ink.join(" ")})`;
      context.fillText(text, x, y);
    }
  }

  /** The windows in which the paths end, each once, with the numbers of its paths. */
  function labelsOf(paths) {
    const labels = new Map();
    paths.forEach(({ window }, i) => {
      const key = `${window.row}.${window.column}`;
      if (!labels.has(key)) labels.set(key, { window, text: [] });
      labels.get(key).text.push(i + 1);
    });
    return [...labels.values()].map(({ window, text }) => ({ window, text: text.join(", ") }));
  }

  const block = ({ row, column, size }) => ({ map: 0, row, column, size });

  /** The frame of the patch around a pixel, cut off at the edge on both sides alike. */
  function patchFrame(place) {
    const reach = (PATCH - 1) / 2;
    return { map: 0, row: Math.floor(place / m.SIDE) - reach, column: (place % m.SIDE) - reach, size: PATCH };
  }

  // The paths as a table --------------------------------------------------------------------------------

  function shortName({ layer, map, row, column }, results) {
    return results[layer].side === 1 ? `unit ${map}` : `map ${map} (${row}, ${column})`;
  }

  function stepCell({ unit, contribution }, results, workOut) {
    const unseen = (text) => m.element("span", { class: "visually-hidden" }, text);
    const button = m.element("button", { type: "button", class: "draw-step", onclick: (event) => workOut(unit, event.currentTarget) },
      unseen(`${unit.layer}, `), m.element("span", {}, shortName(unit, results)), " ",
      m.element("b", { class: contribution < 0 ? "negative" : "positive" }, m.writtenSmall(contribution)), unseen(". Why?"));
    return m.element("td", {}, button);
  }

  function windowCell({ window: { row, column, size }, pixels }) {
    const sum = pixels.reduce((total, { contribution }) => total + contribution, 0);
    return m.element("td", {}, m.element("span", { class: "draw-step" },
      `rows ${row}–${row + size - 1}, columns ${column}–${column + size - 1} `,
      m.element("b", { class: sum < 0 ? "negative" : "positive" }, m.writtenSmall(sum))));
  }

  function pathRows({ paths }, results, workOut) {
    const row = (name, cells) => m.element("tr", {}, m.element("th", { scope: "row" }, name), ...cells);
    const rows = paths[0].steps.map(({ unit }, i) => row(unit.layer, paths.map(({ steps }) => stepCell(steps[i], results, workOut))));
    return [...rows, row("pixels", paths.map(windowCell))];
  }

  // The part --------------------------------------------------------------------------------------------

  /**
   * The part of the page that asks why one digit, and not another; `$` finds its elements. `workOut(unit, fields)`
   * opens a unit in the panel, and changes `fields`. Returns `show(view)`. It works while it is in view, and in eval mode.
   */
  function makeVersus({ $, store, voice, refresh, workOut }) {
    let isInSight = false;
    let run = 0; // counts the computations, so that an older one stops
    let timer = null;
    let asked = []; // what the section shows, or will: [situation, digit, rival, colours]

    new IntersectionObserver((entries) => {
      isInSight = entries.at(-1).isIntersecting; // several can come at once
      refresh();
    }, { rootMargin: "100px" }).observe($("versus"));

    const chosen = (value) => (/^\d$/.test(value) ? Number(value) : value || null);
    $("versus-digit").addEventListener("change", () => store.change({ why: chosen($("versus-digit").value) }));
    $("versus-rival").addEventListener("change", () => store.change({ rival: chosen($("versus-rival").value) }));

    const steps = () => [...$("versus-table").querySelectorAll("button")];

    /** Opens the unit of a step in the panel, where a button leads back to the step. */
    function workOutStep(unit, button) {
      workOut(unit, { step: steps().indexOf(button) });
      $("return").hidden = false;
      $("return").focus({ preventScroll: true });
    }

    $("return").addEventListener("click", () => {
      const step = steps()[store.state.step] ?? $("versus-digit");
      store.change({ step: null });
      step.scrollIntoView({ block: "center" });
      step.focus({ preventScroll: true });
    });

    function paint(name, values, { input, question, colours, what, frames = [], labels = [] }) {
      const canvas = $(name);
      const most = m.paintLayer(canvas, { ...input, values }, { isSigned: true, colours });
      outline(canvas, input.values, colours);
      m.mark(canvas, input, frames, colours);
      number(canvas, labels, colours);
      canvas.setAttribute("aria-label", `${what} ${mapInWords(values, question)}`);
      paintScale(canvas.closest("figure").querySelector(".draw-ends"), most, question);
    }

    /** The two ends of the colour scale: how much, and for whom. */
    function paintScale(place, most, { digit, rival }) {
      place.firstElementChild.replaceChildren("−", m.writtenSmall(most), rival === null ? ` against ${digit}` : ` for ${rival}`);
      place.lastElementChild.replaceChildren("+", m.writtenSmall(most), ` for ${digit}`);
    }

    function say(name, text) {
      $(name).textContent = text;
    }

    /** Traces the products, and shows them; returns what each pixel contributes. */
    function showProducts({ network, results, colours }, question) {
      const traced = m.trace(network, results, question);
      const products = m.pixelProducts(network, results, question);
      const total = products.reduce((sum, value) => sum + value, 0);
      const ends = new Float64Array(products.length);
      for (const { pixels } of traced.paths) for (const { place, contribution } of pixels) ends[place] += contribution;
      const common = { input: results.input, question, colours };
      const labels = labelsOf(traced.paths);
      paint("versus-paths", ends, { ...common, labels, frames: labels.map(({ window }) => block(window)), what: "The pixels of the three paths." });
      paint("versus-products", products, { ...common, what: "The products of each pixel, over all paths." });
      const [start, end] = pathsInWords(traced, question, m.countPaths(results));
      say("versus-whole", sumInWords(question, results.out.values));
      say("versus-start", start);
      say("versus-paths-found", end);
      say("versus-products-found", productsInWords(total, traced.number));
      $("versus-table").replaceChildren(...pathRows(traced, results, workOutStep));
      return products;
    }

    /** Wipes out the pixels around each pixel, in slices, as long as nothing else is asked. */
    async function wipeOut({ network, results, situation, colours }, question, products) {
      const mine = ++run;
      const { picture, off } = situation;
      const before = m.numberOf(question, results.out.values);
      const falls = new Float64Array(picture.length);
      const common = { input: results.input, question, colours };
      let start = performance.now();
      for (let place = 0; place < falls.length; place++) {
        falls[place] = m.fallAt(network, picture, off, question, before, place);
        if (performance.now() - start < SLICE) continue;
        say("versus-falls-found", `Wiping out 5 × 5 pixels: row ${Math.floor(place / m.SIDE) + 1} of ${m.SIDE} …`);
        await new Promise((done) => setTimeout(done));
        if (mine !== run) return;
        start = performance.now();
      }
      const odds = m.mostAtOdds(products, falls);
      const frames = odds.fall === odds.products ? [] : [patchFrame(odds.place)];
      paint("versus-falls", falls, { ...common, frames, what: "How far it falls without the pixels around each." });
      paint("versus-products", products, { ...common, frames, what: "The products of each pixel, over all paths." });
      say("versus-falls-found", fallsInWords(falls, before));
      say("versus-odds", frames.length ? oddsInWords(odds, question) : "Nothing is drawn, so no pixel counts: the biases answer.");
    }

    /** Works out all that the section shows. */
    function work(view, question) {
      const products = showProducts(view, question);
      const { results, colours } = view;
      paint("versus-falls", new Float64Array(products.length), { input: results.input, question, colours, what: "Not yet computed." });
      say("versus-odds", "");
      say("versus-falls-found", "Wiping out 5 × 5 pixels …");
      $("versus").classList.remove("draw-waiting");
      wipeOut(view, question, products);
    }

    function showQuestion({ state, isTraining }, question) {
      const title = titleOf(question);
      $("return").hidden = state.step === null;
      if ($("title-versus").textContent !== title) say("title-versus", title);
      $("versus-digit").value = state.why ?? "";
      const isTaken = state.rival === "none" || state.rival === question.rival;
      $("versus-rival").value = isTaken ? state.rival : "";
      // In train mode every answer is another one: nothing would still hold when it is read.
      $("versus").classList.toggle("draw-training", isTraining);
      $("versus-training").hidden = !isTraining;
    }

    return (view) => {
      const { state, results, situation, colours, isTraining } = view;
      const question = m.questionOf(state, results.out.values);
      showQuestion(view, question);
      const next = isTraining ? [] : [situation, question.digit, question.rival, colours];
      if (!isInSight || (next.length === asked.length && next.every((part, i) => part === asked[i]))) return;
      const isOtherQuestion = situation === asked[0] && colours === asked[3];
      asked = next;
      run += 1;
      clearTimeout(timer);
      $("versus").classList.add("draw-waiting");
      if (isOtherQuestion) voice.atRest(`${titleOf(question)} ${sumInWords(question, results.out.values)}`);
      if (!isTraining) timer = setTimeout(work, REST, view, question);
    };
  }

  Object.assign(m, { makeVersus, sumInWords, pathsInWords, labelsOf });
})();

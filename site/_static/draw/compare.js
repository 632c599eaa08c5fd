// All networks on one drawing: their answers, and how sure each is of the right digit as it is disturbed.
"use strict";

globalThis.mnistconv = globalThis.mnistconv ?? {};

(() => {
  const m = globalThis.mnistconv;
  const REST = 300; // milliseconds without change before the curves are computed anew
  const STEPS = { dx: 1, dy: 1, angle: 10, scale: 0.05, noise: 0.04 }; // between two points of a curve
  const UNITS = { dx: " px", dy: " px", angle: "°", scale: "×", noise: "" };
  const FRAME = { left: 64, right: 12, top: 12, bottom: 34, width: 640, height: 260 };

  /** The values of the slider `by` at which a curve is computed, lowest first. */
  function valuesOf(by) {
    const [lowest, highest] = m.SLIDERS[by];
    const count = Math.round((highest - lowest) / STEPS[by]);
    return Array.from({ length: count + 1 }, (_, i) => Number((lowest + i * STEPS[by]).toFixed(2)));
  }

  /** How `network` answers `ink` with `by` at `value`, all else as in `state`: its ten probabilities. */
  function answerAt(network, ink, state, by, value) {
    const picture = m.pictureOf(ink, { ...state, [by]: value });
    return m.forward(network, picture).probabilities.values;
  }

  /**
   * The stretch of `values` around the undisturbed one, `rest`, in which all `digits` are the right
   * one: [from, to]; null where even the undisturbed one is misread.
   */
  function stretchOf(values, digits, rest, right) {
    const isRight = digits.map((digit) => digit === right);
    const middle = values.reduce((best, v, i) => (Math.abs(v - rest) < Math.abs(values[best] - rest) ? i : best), 0);
    if (!isRight[middle]) return null;
    let [from, to] = [middle, middle];
    while (isRight[from - 1]) from -= 1;
    while (isRight[to + 1]) to += 1;
    return [values[from], values[to]];
  }

  /** The digit that the curves are about: chosen, or the label, or what the network reads. */
  function rightDigit({ right, digit }, digits, answered) {
    if (right !== null) return right;
    if (digit !== null && digits) return digits.labels[digits.numbers.indexOf(digit)];
    return answered;
  }

  const written = (value, by) => `${String(value).replace("-", "−")}${UNITS[by]}`;
  const spelled = (stretch, by) => (stretch ? `${written(stretch[0], by)} to ${written(stretch[1], by)}` : "misread");

  const svg = (tag, attributes, ...children) => {
    const made = document.createElementNS("http://www.w3.org/2000/svg", tag);
    for (const [name, value] of Object.entries(attributes)) made.setAttribute(name, value);
    made.append(...children);
    return made;
  };

  /** Draws the axes and the curves found so far, {network: [probability of each value]}. */
  function drawChart(place, { by, values, curves, now, names }) {
    const { left, right, top, bottom, width, height } = FRAME;
    const [lowest, highest] = [values[0], values.at(-1)];
    const x = (value) => left + ((value - lowest) / (highest - lowest)) * (width - left - right);
    const y = (share) => top + (1 - share) * (height - top - bottom);
    const label = (at, text, more) => svg("text", { ...at, ...more }, text);
    const parts = [0, 0.5, 1].flatMap((share) => [
      svg("path", { d: `M${left} ${y(share)}H${width - right}`, class: "draw-grid" }),
      label({ x: left - 6, y: y(share) + 4 }, `${100 * share} %`, { "text-anchor": "end" }),
    ]);
    for (const [value, anchor] of [[lowest, "start"], [(lowest + highest) / 2, "middle"], [highest, "end"]]) {
      parts.push(label({ x: x(value), y: height - 8 }, written(Number(value.toFixed(2)), by), { "text-anchor": anchor }));
    }
    parts.push(svg("path", { d: `M${x(now)} ${top}V${height - bottom}`, class: "draw-now" }));
    names.forEach((name, i) => {
      const points = (curves[name] ?? []).map((p, k) => `${x(values[k]).toFixed(1)} ${y(p).toFixed(1)}`);
      if (points.length) parts.push(svg("path", { d: `M${points.join("L")}`, class: `draw-curve draw-curve-${i}` }));
    });
    place.replaceChildren(...parts);
  }

  /**
   * The part of the page that compares. `shelf` has the networks `names`; `$` finds elements.
   * Returns `show(view)`.
   */
  function makeCompare({ $, store, shelf, names }) {
    let run = 0; // counts the computations, so that an older one stops
    let timer = null;
    let question = []; // what the last computation was about

    $("compare").addEventListener("click", () => store.change({ isComparing: !store.state.isComparing }));
    $("by").addEventListener("change", () => store.change({ by: $("by").value }));
    $("right").addEventListener("change", () => store.change({ right: $("right").value === "" ? null : Number($("right").value) }));
    const rows = new Map([...$("ranges").children].map((row, i) => {
      row.querySelector("path").setAttribute("class", `draw-curve draw-curve-${i}`);
      return [row.dataset.network, row.querySelectorAll("td")];
    }));
    const reads = new Map([...$("networks").querySelectorAll(".draw-reads")].map((e) => [e.dataset.network, e]));

    function clear() {
      for (const cells of rows.values()) cells.forEach((cell) => (cell.textContent = "–"));
      $("progress").textContent = "";
    }

    const tell = (name, digit, probability) => (reads.get(name).textContent = `${digit} · ${m.share(probability)}`);

    async function compute({ state, ink, right }) {
      const mine = ++run;
      const { by } = state;
      const values = valuesOf(by);
      const curves = {};
      const found = {};
      for (const name of names) {
        $("progress").textContent = `${name} …`;
        const network = await shelf.bring(name);
        if (mine !== run) return;
        if (!network) continue;
        const now = answerAt(network, ink, state, by, state[by]);
        tell(name, m.argmax(now), now[m.argmax(now)]);
        const digits = [];
        curves[name] = [];
        for (const value of values) {
          const probabilities = answerAt(network, ink, state, by, value);
          curves[name].push(probabilities[right]);
          digits.push(m.argmax(probabilities));
          await new Promise((done) => setTimeout(done)); // the pen comes first
          if (mine !== run) return;
        }
        found[name] = stretchOf(values, digits, m.SLIDERS[by][2], right);
        rows.get(name)[0].textContent = m.share(now[right]);
        rows.get(name)[1].textContent = spelled(found[name], by);
        drawChart($("curves"), { by, values, curves, now: state[by], names });
      }
      $("progress").textContent = `How sure each network is of the ${right}.`;
      const sentences = names.filter((name) => name in found).map((name) => `${name}: ${spelled(found[name], by)}`);
      $("curves").setAttribute("aria-labelledby", "");
      $("curves").setAttribute("aria-label", `Probability of the ${right}. Read right: ${sentences.join("; ")}.`);
    }

    return (view) => {
      const { state, ink, results, network, digits, loading } = view;
      $("compare").setAttribute("aria-pressed", String(state.isComparing));
      $("by").value = state.by;
      $("right").value = state.right === null ? "" : String(state.right);
      const { values } = results.probabilities;
      const digit = m.argmax(values);
      tell(network.name, digit, values[digit]);
      for (const [name, place] of reads) {
        if (name !== network.name && name !== loading && !state.isComparing) place.textContent = "";
      }
      const right = rightDigit(state, digits, digit);
      const everything = () => [ink, state.centre, right, ...Object.keys(m.SLIDERS).map((name) => state[name])];
      // Without curves there are only the axes, and where the slider stands.
      const asked = [state.isComparing, state.by, ...(state.isComparing ? everything() : [state[state.by]])];
      if (asked.length === question.length && asked.every((part, i) => part === question[i])) return;
      question = asked;
      run += 1;
      clearTimeout(timer);
      if (!state.isComparing) {
        clear();
        drawChart($("curves"), { by: state.by, values: valuesOf(state.by), curves: {}, now: state[state.by], names });
        return;
      }
      timer = setTimeout(() => compute({ state, ink, right }), REST);
    };
  }

  Object.assign(m, { makeCompare, curveValues: valuesOf, stretchOf, rightDigit });
})();

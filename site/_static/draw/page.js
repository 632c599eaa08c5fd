// The page: its state, its controls, and the loop that prepares, computes, paints and explains.
"use strict";

(() => {
  const m = globalThis.mnistconv;
  const AGAIN_AFTER = 300; // milliseconds between two answers in train mode
  const REST = 700; // milliseconds without change before a screen reader is told
  const REMEMBERED = 20; // answers in train mode
  const SIGNED = ["conv", "dense"];
  const NAMES = { conv: "before pooling", pool: "after pooling and", dense: "dense," };
  const HINT = "Point at a square of a layer, or choose a logit or a probability.";
  const UNITS = { dx: " px", dy: " px", angle: "°", scale: "×", noise: "" };

  const $ = (name) => document.getElementById(`draw-${name}`);

  // A three and one unit worked out, so that there is something to see before anything is drawn.
  const EXAMPLE = m.readState("unit=pool1.5.5.6&ink=GFJEWT9dPGI5aDZuNXUzfDODM4o1kTeWOps9nkKhR6JRoVeeXJthl2a"
    + "Tao1tiHCDc3p2dHh7eoB6hnyMfpKBmYSeiKOMppGpl6udq6Sqqqiwpraiu57AmMSSx4zKhcx-zHfMb8xpymLHXMRXwVG5TbQ", []);

  let networks = []; // what the site has, in the order of the chapters
  let network = null; // the one that answers
  let digits = null; // the test digits, once they are here
  let state = m.emptyState();
  let ink = m.noInk();
  let stroke = null; // the one that is being drawn
  let results = null; // everything the network computed for today's picture
  const past = []; // what was on the board before, for Undo
  let pending = null; // the state that is being loaded: what changes meanwhile changes it, too
  let isPressed = false; // whether a pointer is down in the panel: its buttons must stay in place then
  let isHeld = false; // whether a click holds the unit, so that pointing elsewhere does not change it
  let channel = null; // the channel that the panel shows, if one was chosen
  let answers = []; // the last answers in train mode
  let colours = null;

  // Messages: one for each thing that could not be loaded, gone when it could ------------------------

  const problems = new Map();

  function say(about, text) {
    if (text) problems.set(about, text);
    else problems.delete(about);
    $("message").textContent = [...problems.values()].join(" ");
    $("message").hidden = problems.size === 0;
  }

  /** What `promise` gives; undefined, with a message in the page, when it fails. */
  async function orSay(what, promise) {
    try {
      const value = await promise;
      say(what, "");
      return value;
    } catch (problem) {
      say(what, `${what} could not be loaded (${problem.message}).`);
      return undefined;
    }
  }

  // State -----------------------------------------------------------------------------------------

  let isWaiting = false;
  let isAsked = false;

  /** Asks for one pass of the loop before the next picture of the screen; with a new answer, or not. */
  function refresh({ ask = false } = {}) {
    isAsked ||= ask;
    if (isWaiting) return;
    isWaiting = true;
    requestAnimationFrame(() => {
      isWaiting = false;
      update();
    });
  }

  /** Changes what the network gets, or how it answers. */
  function change(fields) {
    state = { ...state, ...fields };
    if (pending) Object.assign(pending, fields);
    answers = [];
    refresh({ ask: true });
    rememberSoon();
  }

  let timer = null;

  /** Puts the state into the address, not more often than browsers allow. */
  function rememberSoon() {
    clearTimeout(timer);
    timer = setTimeout(() => {
      if (pending || !network) return rememberSoon();
      const lasting = { ...state, unit: isHeld ? state.unit : null };
      return history.replaceState(null, "", `#${m.writeState(lasting)}`);
    }, 400);
  }

  const isExample = () => state.strokes === null && state.digit === null;

  /** The state of the address; with the example's unit where it has no ink. */
  function readAddress() {
    const next = m.readState(addressText(), networks.map(({ name }) => name));
    if (next.strokes === null && next.digit === null) next.unit ??= EXAMPLE.unit;
    return next;
  }

  let visit = 0; // counts where we went, so that a slow older one is dropped

  /** Loads what the state `next` needs, then shows it all at once, unless a newer call comes first. */
  async function goTo(next, { hold: mayHold = true } = {}) {
    const mine = ++visit;
    pending = next;
    showControls();
    $("loading").textContent = `Loading ${next.net} …`;
    const [found, theDigits] = await Promise.all([
      orSay(`The network ${next.net}`, m.loadNetwork(next.net)),
      next.digit === null ? digits : orSay("The test digits", m.loadDigits()),
    ]);
    if (mine !== visit) return;
    pending = null;
    $("loading").textContent = "";
    digits = theDigits ?? digits;
    if (!digits?.numbers.includes(next.digit)) next.digit = null;
    if (!found && !network) {
      const other = networks.find(({ name }) => !problems.has(`The network ${name}`));
      if (other) await goTo({ ...next, net: other.name, off: {} }, { hold: mayHold });
      return;
    }
    if (found && found !== network) {
      network = found;
      results = m.forward(network, new Float32Array(m.SIDE ** 2));
      makeLayers();
    }
    const isOther = next.strokes !== state.strokes || next.digit !== state.digit;
    state = { ...next, net: network.name, off: network.name === next.net ? next.off : {} };
    isHeld = mayHold && state.unit !== null;
    answers = [];
    if (isOther) redrawInk();
    refresh({ ask: true });
    showControls();
  }

  /** Lets another network answer. Its maps are others: none of them is off. */
  async function chooseNetwork(name) {
    await goTo({ ...(pending ?? state), net: name, off: {} }, { hold: isHeld });
    rememberSoon();
  }

  function addressText() {
    try {
      return decodeURIComponent(location.hash.slice(1));
    } catch {
      return "";
    }
  }

  // Ink -------------------------------------------------------------------------------------------

  function redrawInk() {
    stroke = null;
    const hasDigit = state.digit !== null && digits?.numbers.includes(state.digit);
    if (hasDigit) ink = digitImage(state.digit);
    else ink = m.drawStrokes(isExample() ? EXAMPLE.strokes : state.strokes ?? []);
    showSource();
    refresh({ ask: true });
  }

  function digitImage(number) {
    const size = m.SIDE ** 2;
    const start = digits.numbers.indexOf(number) * size;
    const data = Float32Array.from(digits.pixels.subarray(start, start + size), (value) => value / 255);
    return { width: m.SIDE, height: m.SIDE, data };
  }

  /** Puts something else on the board; Undo brings back what was there. */
  function setBoard(fields) {
    past.push({ strokes: state.strokes, digit: state.digit });
    change(fields);
    redrawInk();
  }

  function undo() {
    if (past.length === 0) return;
    change(past.pop());
    redrawInk();
  }

  function beginStroke(point) {
    setBoard({ strokes: [...(state.strokes ?? []), { width: state.pen, points: [] }], digit: null });
    stroke = state.strokes.at(-1);
    goOn(point);
  }

  function goOn(point) {
    if (!stroke) return;
    const last = stroke.points.at(-1) ?? point;
    if (stroke.points.length && Math.hypot(point[0] - last[0], point[1] - last[1]) < 0.3) return;
    stroke.points.push(point);
    m.drawSegment(ink, last, point, stroke.width);
    change({});
  }

  // The loop --------------------------------------------------------------------------------------

  const pen = m.listenToBoard($("board"), { begin: beginStroke, go: goOn, moved: () => refresh() });

  function update() {
    const start = performance.now();
    m.paintBoard($("board"), ink, colours, pen.isShown ? { ...pen, width: state.pen } : null);
    if (!network) return;
    if (isAsked) answer();
    isAsked = false;
    if (state.unit && !m.canExplain(results, state.unit)) {
      state.unit = null;
      isHeld = false;
    }
    paint();
    showPanel();
    const spent = performance.now() - start;
    $("time").dataset.all = spent;
    const computed = Number($("time").dataset.network);
    $("time").textContent = `Network ${computed.toFixed(1)} ms, everything ${spent.toFixed(1)} ms, in this browser.`;
  }

  const isTraining = () => state.train && network.layers.includes("dropout");

  function answer() {
    const prepared = state.centre ? m.prepare(ink) : m.shrink(ink);
    const picture = m.addNoise(m.disturb(prepared, state), state.noise).data;
    const start = performance.now();
    results = m.forward(network, picture, { off: state.off, train: isTraining() });
    $("time").dataset.network = performance.now() - start;
    showAnswer();
    if (isTraining()) remember(m.argmax(results.probabilities.values));
  }

  // Painting --------------------------------------------------------------------------------------

  /** The values that go on from a layer: after its dropout, where it has one. */
  function shownValues(result) {
    return Object.values(results).find((r) => r.kind === "dropout" && r.from === result.name) ?? result;
  }

  /** The convolution whose maps a layer shows, before or after pooling; none for other layers. */
  function convolutionOf({ kind, name, from }) {
    return { conv: name, pool: from }[kind];
  }

  function paint() {
    // The second is shown much smaller: its frame is drawn three times as thick.
    for (const [canvas, width] of [[$("input"), 2], [$("why-input"), 6]]) {
      m.paintLayer(canvas, results.input, { most: 1, colours });
      markSeen(canvas, results.input, width);
    }
    for (const row of $("layers").children) paintRow(row);
  }

  function paintRow(row) {
    const canvas = row.querySelector("canvas");
    const result = results[canvas.dataset.layer];
    const isSigned = SIGNED.includes(result.kind) && !result.activation;
    const shown = { ...shownValues(result), kind: result.kind };
    const off = state.off[convolutionOf(result)];
    const most = m.written(m.paintLayer(canvas, shown, { isSigned, colours, off }), 2);
    row.querySelector(".draw-scale").textContent = isSigned ? `−${most} to ${most}` : `0 to ${most}`;
    markSeen(canvas, result);
  }

  /** Frames the chosen unit in its own layer, and what it sees in the layers before. */
  function markSeen(canvas, result, width) {
    const { unit } = state;
    const names = Object.keys(results);
    if (!unit || names.indexOf(result.name) > names.indexOf(unit.layer)) return;
    const seen = m.seenBy(results, unit, result.name);
    if (!seen) return;
    const own = results[unit.layer];
    const isOneMap = result.name === unit.layer || (own.kind === "pool" && own.from === result.name);
    const maps = isOneMap ? [unit.map] : Array.from({ length: result.maps }, (_, map) => map);
    m.mark(canvas, result, maps.map((map) => ({ map, ...seen })), colours, width);
  }

  // Answer and panel --------------------------------------------------------------------------------

  function share(probability) {
    if (probability > 0.999 && probability < 1) return "> 99.9 %";
    if (probability > 0 && probability < 0.001) return "< 0.1 %";
    return `${(100 * probability).toFixed(1)} %`;
  }

  let restTimer = null;

  function showAnswer() {
    const probabilities = results.probabilities.values;
    const digit = m.argmax(probabilities);
    const isEmpty = results.input.values.every((value) => value === 0);
    const text = isEmpty
      ? `Nothing is drawn. A network must choose all the same: ${digit}, ${share(probabilities[digit])}.`
      : `It reads a ${digit} (${share(probabilities[digit])}).`;
    $("sentence").textContent = text;
    clearTimeout(restTimer);
    if (!isTraining()) restTimer = setTimeout(() => ($("spoken").textContent = text), REST);
    const logits = results.out.values;
    const most = Math.max(1, ...logits.map(Math.abs));
    [...$("bars").children].forEach((row, i) => {
      row.classList.toggle("draw-best", i === digit && !isEmpty);
      const [logit, probability] = row.querySelectorAll("button");
      fillBar(logit, logits[i], logits[i] / most, m.written(logits[i], 2));
      fillBar(probability, probabilities[i], probabilities[i], share(probabilities[i]));
    });
  }

  function fillBar(button, value, length, text) {
    button.querySelector("span").textContent = text;
    button.setAttribute("aria-label", `${text}. ${button.dataset.question}`);
    button.style.setProperty("--share", Math.abs(length).toFixed(4));
    button.classList.toggle("negative", value < 0);
  }

  function remember(digit) {
    answers = [...answers, digit].slice(-REMEMBERED);
    const counts = new Map();
    for (const one of answers) counts.set(one, (counts.get(one) ?? 0) + 1);
    const spelled = [...counts].sort((a, b) => b[1] - a[1]).map(([one, count]) => `${one} (${count}×)`);
    $("tally").textContent = `The last ${answers.length} answers: ${spelled.join(", ")}.`;
  }

  function showPanel() {
    const { unit } = state;
    if (isPressed) return;
    if (!unit) {
      $("why").replaceChildren(m.element("p", { class: "draw-hint" }, HINT));
      return;
    }
    const result = results[unit.layer];
    const convolution = convolutionOf(result);
    m.showWhy($("why"), network, results, unit, {
      isHeld,
      isOff: state.off[convolution]?.has(unit.map) ?? false,
      channel,
      chooseChannel: (chosen) => {
        channel = chosen;
        hold(unit);
      },
      switchMap: convolution && (() => switchMap(convolution, unit.map)),
      release: () => {
        isHeld = false;
        refresh();
      },
      move: result.kind === "softmax" || unit.layer === "out" ? null : (...step) => {
        hold({ layer: unit.layer, ...m.neighbour(result, state.unit, ...step) });
      },
    });
  }

  function listenToPanel() {
    let presses = 0;
    $("panel").addEventListener("pointerdown", (event) => {
      presses += 1;
      isPressed = event.button === 0;
    });
    const release = () => {
      const released = presses;
      setTimeout(() => {
        if (released !== presses) return; // pressed again meanwhile
        isPressed = false;
        refresh();
      });
    };
    addEventListener("pointerup", release);
    addEventListener("pointercancel", release);
    addEventListener("blur", release);
    $("fold").addEventListener("click", () => {
      const isFolded = $("panel").classList.toggle("draw-folded");
      $("fold").textContent = isFolded ? "Open" : "Fold";
      $("fold").setAttribute("aria-expanded", String(!isFolded));
    });
  }

  function switchMap(convolution, map) {
    const maps = new Set(state.off[convolution]);
    if (!maps.delete(map)) maps.add(map);
    isHeld = true;
    change({ off: { ...state.off, [convolution]: maps } });
    showAllOn();
  }

  function showAllOn() {
    $("all-on").hidden = Object.values(state.off).every((maps) => maps.size === 0);
  }

  // Layers: pointer and keyboard ----------------------------------------------------------------------

  function choose(unit) {
    if (unit.layer !== state.unit?.layer) channel = null;
    state.unit = unit;
    refresh();
    rememberSoon();
  }

  function hold(unit) {
    isHeld = true;
    choose(unit);
  }

  /** Holds a unit that was chosen far from the panel, and brings the panel into view. */
  function workOut(unit) {
    hold(unit);
    $("panel").scrollIntoView({ block: "nearest" });
  }

  /** One canvas for each layer that has a picture; made anew when the network changes. */
  function makeLayers() {
    const shown = network.steps.filter(({ kind, name }) => kind !== "dropout" && name !== "out");
    const rows = shown.map((step) => {
      const { maps, side } = results[step.name];
      const what = side === 1 ? `${maps.toLocaleString("en")} units` : `${maps} maps of ${side} × ${side}`;
      const activation = step.activation === "relu" ? "ReLU" : step.activation ?? "";
      const how = `${NAMES[step.kind]} ${activation}`.trim();
      const canvas = m.element("canvas", {
        "data-layer": step.name, tabindex: 0, role: "application",
        "aria-label": `${step.name}: ${what}, ${how}. Arrows move from unit to unit.`,
      });
      listenToLayer(canvas);
      const caption = m.element("figcaption", {}, m.element("b", {}, step.name), ` ${what}, ${how}`,
        m.element("span", { class: "draw-scale" }));
      return m.element("figure", { class: "draw-layer" }, caption, canvas);
    });
    $("layers").replaceChildren(...rows);
  }

  function listenToLayer(canvas) {
    const { layer } = canvas.dataset;
    const unitUnder = (event) => {
      const box = canvas.getBoundingClientRect();
      const scale = canvas.width / box.width;
      const [x, y] = [event.clientX - box.left, event.clientY - box.top].map((v) => v * scale);
      const found = m.unitAt(results[layer], x, y);
      return found && { layer, ...found };
    };
    canvas.addEventListener("pointermove", (event) => {
      const unit = unitUnder(event);
      if (unit && !isHeld) choose(unit);
    });
    canvas.addEventListener("click", (event) => {
      const unit = unitUnder(event);
      if (!unit) return;
      isHeld = !(isHeld && isSame(unit, state.unit));
      choose(unit);
    });
    canvas.addEventListener("focus", () => {
      if (!canvas.matches(":focus-visible")) return;
      hold(state.unit?.layer === layer ? state.unit : { layer, map: 0, row: 0, column: 0 });
      speak();
    });
    canvas.addEventListener("keydown", (event) => pressOnLayer(event, layer));
  }

  const isSame = (a, b) => ["layer", "map", "row", "column"].every((key) => a[key] === b?.[key]);

  function pressOnLayer(event, layer) {
    const { unit } = state;
    if (unit?.layer !== layer) return;
    const result = results[layer];
    const convolution = convolutionOf(result);
    if (event.key in m.ARROWS) hold({ layer, ...m.neighbour(result, unit, ...m.ARROWS[event.key]) });
    else if (event.key.toLowerCase() === "x" && convolution) switchMap(convolution, unit.map);
    else return;
    event.preventDefault();
    requestAnimationFrame(speak); // after the loop's own pass
  }

  /** Says to a screen reader which unit was reached by keyboard, and its value. */
  function speak() {
    const { layer, map, row, column } = state.unit;
    const result = results[layer];
    const value = result.values[(map * result.side + row) * result.side + column];
    clearTimeout(restTimer);
    const off = state.off[convolutionOf(result)]?.has(map) ? ", switched off" : "";
    $("spoken").textContent = `${m.nameUnit(state.unit, result)}: ${m.written(value)}${off}`;
  }

  // Controls --------------------------------------------------------------------------------------

  function makeNetworkCards() {
    const cards = networks.map(({ name, title, right, testImages, interval, parameters, trainingImages, epochs }) => {
      const radio = m.element("input", { type: "radio", name: "draw-network", value: name });
      radio.addEventListener("change", () => chooseNetwork(name));
      const [accuracy, low, high] = [right / testImages, ...interval].map((v) => (100 * v).toFixed(2));
      const lines = [
        title, `${accuracy} % right (95 %: ${low} to ${high})`,
        `${parameters.toLocaleString("en")} parameters`,
        `${epochs} × ${trainingImages.toLocaleString("en")} images`,
      ];
      const label = m.element("label", {}, radio, m.element("b", {}, name), ...lines.map((line) => m.element("span", {}, line)));
      const file = { href: m.fileOf(`${name}.onnx`), download: "", "aria-label": `ONNX file of ${name}` };
      return m.element("div", { class: "draw-card" }, label, m.element("a", file, "ONNX file"));
    });
    $("networks").replaceChildren(...cards);
  }

  function makeBars() {
    for (let digit = 0; digit < 10; digit++) {
      const cells = Object.entries({ out: "logit", probabilities: "probability" }).map(([layer, name]) => {
        const button = m.element("button", {
          type: "button", class: `draw-bar draw-${name}`, "data-question": `Why this ${name} of ${digit}?`,
          onclick: () => network && workOut({ layer, map: digit, row: 0, column: 0 }),
        }, m.element("span"));
        return m.element("td", {}, button);
      });
      $("bars").append(m.element("tr", {}, m.element("th", { scope: "row" }, String(digit)), ...cells));
    }
  }

  /** Brings all controls to where the state is. */
  function showControls() {
    for (const radio of $("networks").querySelectorAll("input")) radio.checked = radio.value === (pending ?? state).net;
    $("pen").value = state.pen;
    $("centre").checked = state.centre;
    for (const name of Object.keys(m.SLIDERS)) showSlider(name);
    $("training").hidden = !network?.layers.includes("dropout");
    $("train").checked = state.train;
    $("tally").hidden = $("again").hidden = !state.train;
    showAllOn();
    showSource();
  }

  function showSlider(name) {
    const slider = $(name);
    slider.value = state[name];
    slider.nextElementSibling.textContent = `${state[name]}${UNITS[name]}`;
  }

  function showSource() {
    const text = sourceText();
    if ($("source").textContent !== text) $("source").textContent = text;
  }

  function sourceText() {
    if (isExample()) return "An example: draw over it.";
    if (state.digit === null || !digits) return "";
    const label = digits.labels[digits.numbers.indexOf(state.digit)];
    const likely = digits.doubtful[state.digit];
    const doubt = likely === undefined ? "" : ` A network took it for a ${likely} (Northcutt and others, 2021); how five people voted: chapter 10.`;
    return `Test digit ${state.digit.toLocaleString("en")}, labelled ${label}.${doubt}`;
  }

  /** Puts a test digit on the board, at random out of those that `pick` gives; not the same again. */
  async function takeDigit(pick) {
    digits = (await orSay("The test digits", m.loadDigits())) ?? digits;
    if (!digits) return;
    pen.isDown = false;
    const all = pick().filter((number) => number !== state.digit);
    if (all.length) setBoard({ digit: all[Math.floor(Math.random() * all.length)], strokes: [] });
  }

  function listenToControls() {
    $("clear").addEventListener("click", () => setBoard({ strokes: [], digit: null }));
    $("undo").addEventListener("click", undo);
    $("pen").addEventListener("input", () => (state.pen = Number($("pen").value)));
    $("any").addEventListener("click", () => takeDigit(() => digits.numbers.slice(0, digits.ordinary)));
    $("doubtful").addEventListener("click", () => takeDigit(() => Object.keys(digits.doubtful).map(Number)));
    $("wrong").addEventListener("click", () => takeDigit(() => digits.wrong[state.net]));
    $("centre").addEventListener("change", () => change({ centre: $("centre").checked }));
    Object.assign($("pen"), { min: m.PEN[0], max: m.PEN[1], step: 0.2 });
    for (const [name, [min, max, , step]] of Object.entries(m.SLIDERS)) {
      Object.assign($(name), { min, max, step });
      $(name).addEventListener("input", () => {
        change({ [name]: Number($(name).value) });
        showSlider(name);
      });
    }
    $("straight").addEventListener("click", () => {
      change(Object.fromEntries(Object.entries(m.SLIDERS).map(([name, [, , rest]]) => [name, rest])));
      Object.keys(m.SLIDERS).forEach(showSlider);
    });
    $("train").addEventListener("change", () => {
      change({ train: $("train").checked });
      showControls();
    });
    $("again").addEventListener("click", () => {
      refresh({ ask: true });
      requestAnimationFrame(() => ($("spoken").textContent = $("sentence").textContent));
    });
    $("all-on").addEventListener("click", () => {
      change({ off: {} });
      $("layers").querySelector("canvas").focus({ preventScroll: true });
      showAllOn();
    });
  }

  /** In train mode the network answers anew by itself, unless the reader wants rest, or reads. */
  function flicker() {
    const isStill = matchMedia("(prefers-reduced-motion: reduce)").matches;
    const isRead = $("panel").matches(":hover, :focus-visible, :has(:focus-visible)");
    if (network && isTraining() && !isStill && !isRead && !document.hidden) refresh({ ask: true });
  }

  function readTheme() {
    colours = m.readColours($("board"));
    refresh();
  }

  /** Shows the situation of the address, after a link or a step in the browser's history. */
  function follow() {
    past.push({ strokes: state.strokes, digit: state.digit });
    const next = readAddress();
    (next.unit ? $("panel") : $("board")).scrollIntoView({ block: "center" });
    goTo(next);
  }

  async function start() {
    makeBars();
    listenToControls();
    listenToPanel();
    showControls();
    readTheme();
    new MutationObserver(readTheme).observe(document.documentElement, { attributeFilter: ["data-theme"] });
    document.getElementById("draw").hidden = false;
    redrawInk();
    networks = (await orSay("The list of networks", m.loadList())) ?? [];
    if (networks.length === 0) return;
    makeNetworkCards();
    const first = readAddress();
    if (state.strokes !== null) Object.assign(first, { strokes: state.strokes, digit: null });
    goTo(first, { hold: /(^|&)unit=/.test(addressText()) });
    addEventListener("hashchange", follow);
    for (const link of document.querySelectorAll(".draw-tries a")) {
      // A link to where the address is already changes nothing in it.
      link.addEventListener("click", () => link.hash === location.hash && follow());
    }
    setInterval(flicker, AGAIN_AFTER);
  }

  start();
})();

// The page: its state, its controls, and the loop that draws, prepares, computes and paints.
"use strict";

(() => {
  const m = globalThis.mnistconv;
  const FOLDER = document.currentScript.src.replace(/[^/]*$/, "");
  const AGAIN_AFTER = 300; // milliseconds between two answers in train mode
  const REMEMBERED = 20; // answers in train mode
  const SIGNED = ["conv", "dense"];
  const NAMES = { conv: "before pooling", pool: "after pooling and", dense: "dense," };
  const UNITS = { dx: " px", dy: " px", angle: "°", scale: "×", noise: "" };

  const $ = (name) => document.getElementById(`draw-${name}`);

  // A three with one unit worked out, so that there is something to see before anything is drawn.
  const EXAMPLE = "unit=pool1.5.5.6&ink=GFJEWT9dPGI5aDZuNXUzfDODM4o1kTeWOps9nkKhR6JRoVeeXJthl2aTao1tiHCDc3p2dHh7eoB6"
    + "hnyMfpKBmYSeiKOMppGpl6udq6Sqqqiwpraiu57AmMSSx4zKhcx-zHfMb8xpymLHXMRXwVG5TbQ";

  let state = m.emptyState();
  let networks = []; // what the site has, in the order of the chapters
  const loaded = new Map(); // networks whose weights are here, by name
  let digits = null; // the test digits, once they are here: {numbers, labels, ..., pixels}
  let ink = m.noInk();
  let results = null;
  let isHeld = false; // whether a click holds the unit, so that pointing elsewhere does not change it
  let channel = null; // the channel that the panel shows, if one was chosen
  let answers = []; // the last answers in train mode
  let isUntouched = true; // whether the example is still on the board

  // Loading ---------------------------------------------------------------------------------------

  const inbox = new Map();
  m.receiveList = (list) => inbox.set("networks", [list]);
  m.receiveNetwork = (header, text) => inbox.set(header.name, [header, text]);
  m.receiveDigits = (header, text) => inbox.set("digits", [header, text]);

  /** What the script NAME.js hands over. Rejects when the file is missing or not whole. */
  function load(name) {
    return new Promise((resolve, reject) => {
      const script = document.createElement("script");
      script.src = `${FOLDER}${name}.js`;
      script.onload = () => (inbox.has(name) ? resolve(inbox.get(name)) : reject(new Error("it is not whole")));
      script.onerror = () => reject(new Error("it is missing"));
      document.head.append(script);
    });
  }

  async function loadNetwork(name) {
    if (loaded.has(name)) return;
    const [header, text] = await load(name);
    const description = networks.find((network) => network.name === name);
    loaded.set(name, m.makeNetwork(description, m.readWeights(header, text)));
  }

  async function loadDigits() {
    if (digits) return;
    const [header, text] = await load("digits");
    const packed = new Blob([m.bytesOf(text)]).stream().pipeThrough(new DecompressionStream("gzip"));
    const pixels = new Uint8Array(await new Response(packed).arrayBuffer());
    if (pixels.length !== header.numbers.length * m.SIDE ** 2) throw new Error("it is not whole");
    digits = { ...header, pixels };
  }

  function say(text) {
    $("message").textContent = text;
    $("message").hidden = !text;
  }

  /** Takes a network or the digits into use; says so in the page when that fails. */
  async function tryTo(what, action) {
    try {
      await action();
      return true;
    } catch (problem) {
      say(`${what} could not be loaded (${problem.message}). Everything else still works.`);
      return false;
    }
  }

  // State -----------------------------------------------------------------------------------------

  let isWaiting = false;

  /** Asks for one pass of the loop before the next picture of the screen. */
  function refresh() {
    if (isWaiting) return;
    isWaiting = true;
    requestAnimationFrame(() => {
      isWaiting = false;
      update();
    });
  }

  function change(fields) {
    state = { ...state, ...fields };
    refresh();
    rememberSoon();
  }

  let timer = null;

  /** Puts the state into the address, not more often than browsers allow. */
  function rememberSoon() {
    clearTimeout(timer);
    timer = setTimeout(() => history.replaceState(null, "", `#${m.writeState(state)}`), 400);
  }

  function decodeAddress() {
    try {
      return decodeURIComponent(location.hash.slice(1));
    } catch {
      return "";
    }
  }

  /** Takes the state of the address over; the example where it has none. */
  async function readAddress() {
    const names = networks.map((network) => network.name);
    const text = decodeAddress();
    isUntouched = !/(^|&)(ink|digit)=/.test(text);
    state = m.readState(isUntouched ? `${EXAMPLE}&${text}` : text, names);
    isHeld = state.unit !== null;
    if (state.digit !== null) {
      const isHere = await tryTo("The test digits", loadDigits);
      if (!isHere || !digits.numbers.includes(state.digit)) state.digit = null;
    }
    redrawInk();
    await chooseNetwork(state.net);
  }

  async function chooseNetwork(name) {
    const isHere = await tryTo(`The network ${name}`, () => loadNetwork(name));
    const fallback = [...loaded.keys()][0];
    if (!isHere && !fallback) return;
    if (isHere) say("");
    answers = [];
    state.net = isHere ? name : fallback;
    showControls();
  }

  // Ink -------------------------------------------------------------------------------------------

  function redrawInk() {
    ink = state.digit === null ? m.drawStrokes(state.strokes) : digitImage(state.digit);
    refresh();
  }

  function digitImage(number) {
    const size = m.SIDE ** 2;
    const start = digits.numbers.indexOf(number) * size;
    const data = Float32Array.from(digits.pixels.subarray(start, start + size), (value) => value / 255);
    return { width: m.SIDE, height: m.SIDE, data };
  }

  function startStroke(point) {
    if (state.digit !== null || isUntouched) {
      state = { ...state, digit: null, strokes: [] };
      ink = m.noInk();
    }
    isUntouched = false;
    const stroke = { width: state.pen, points: [point] };
    m.drawSegment(ink, point, point, stroke.width);
    change({ strokes: [...state.strokes, stroke] });
    showSource();
  }

  function continueStroke(point) {
    const { width, points } = state.strokes.at(-1);
    const last = points.at(-1);
    if (Math.hypot(point[0] - last[0], point[1] - last[1]) < 0.3) return;
    points.push(point);
    m.drawSegment(ink, last, point, width);
    change({});
  }

  function setStrokes(strokes) {
    isUntouched = false;
    change({ strokes, digit: null });
    redrawInk();
    showSource();
  }

  // The board: pointer and keyboard -----------------------------------------------------------------

  const cursor = { x: 14, y: 14, isDown: false, isShown: false };

  function listenToBoard(board) {
    const pointOf = (event) => {
      const box = board.getBoundingClientRect();
      return [event.clientX - box.left, event.clientY - box.top].map((v) => m.roundToGrid((v / box.width) * m.SIDE));
    };
    board.addEventListener("pointerdown", (event) => {
      if (event.button !== 0 || !event.isPrimary) return;
      board.setPointerCapture(event.pointerId);
      cursor.isShown = cursor.isDown = false;
      startStroke(pointOf(event));
    });
    board.addEventListener("pointermove", (event) => {
      if (!board.hasPointerCapture(event.pointerId)) return;
      const events = event.getCoalescedEvents?.() ?? [];
      for (const one of events.length ? events : [event]) continueStroke(pointOf(one));
    });
    board.addEventListener("keydown", pressOnBoard);
    board.addEventListener("blur", () => {
      cursor.isShown = cursor.isDown = false;
      refresh();
    });
  }

  const ARROWS = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };

  function pressOnBoard(event) {
    if (event.key === " ") {
      cursor.isDown = !cursor.isDown;
      if (cursor.isDown) startStroke([cursor.x, cursor.y].map(m.roundToGrid));
    } else if (event.key in ARROWS) {
      const [right, down] = ARROWS[event.key];
      cursor.x = Math.min(27.5, Math.max(0.5, cursor.x + right * 0.5));
      cursor.y = Math.min(27.5, Math.max(0.5, cursor.y + down * 0.5));
      if (cursor.isDown) continueStroke([cursor.x, cursor.y].map(m.roundToGrid));
    } else {
      return;
    }
    cursor.isShown = true;
    event.preventDefault();
    refresh();
  }

  // The loop --------------------------------------------------------------------------------------

  function update() {
    const network = loaded.get(state.net);
    if (!network) return;
    const start = performance.now();
    const prepared = state.centre ? m.prepare(ink) : m.shrink(ink);
    const picture = m.addNoise(m.disturb(prepared, state), state.noise).data;
    const train = state.train && network.layers.includes("dropout");
    const computing = performance.now();
    results = m.forward(network, picture, { off: state.off, train });
    const computed = performance.now() - computing;
    if (state.unit && !exists(state.unit)) state.unit = null;
    paint();
    showAnswer(picture, train);
    showPanel(network);
    const spent = performance.now() - start;
    $("time").textContent = `Network ${computed.toFixed(1)} ms, everything ${spent.toFixed(1)} ms, in this browser.`;
    Object.assign($("time").dataset, { network: computed, all: spent });
  }

  function exists({ layer, map, row, column }) {
    const result = results[layer];
    return result && layer !== "input" && map < result.maps && row < result.side && column < result.side;
  }

  /** The values that go on from a layer: after its dropout, where it has one. */
  function shownValues(result) {
    return Object.values(results).find((r) => r.kind === "dropout" && r.from === result.name) ?? result;
  }

  // Painting --------------------------------------------------------------------------------------

  let colours = null;

  function paint() {
    const board = $("board");
    const shownCursor = cursor.isShown ? { ...cursor, width: state.pen } : null;
    m.paintBoard(board, ink, colours, shownCursor);
    m.paintLayer($("input"), results.input, { most: 1, colours });
    markSeen($("input"), results.input);
    for (const row of $("layers").children) paintRow(row);
  }

  function paintRow(row) {
    const canvas = row.querySelector("canvas");
    const result = results[canvas.dataset.layer];
    const isSigned = SIGNED.includes(result.kind) && !result.activation;
    const shown = { ...shownValues(result), kind: result.kind };
    const off = state.off[result.kind === "pool" ? result.from : result.name];
    const most = m.paintLayer(canvas, shown, { isSigned, colours, off });
    row.querySelector(".draw-scale").textContent = isSigned
      ? `−${m.written(most, 2)} to ${m.written(most, 2)}` : `0 to ${m.written(most, 2)}`;
    markSeen(canvas, result);
  }

  /** Frames the chosen unit in its own layer, and what it sees in the layers before. */
  function markSeen(canvas, result) {
    const { unit } = state;
    if (!unit || !isBefore(result.name, unit.layer)) return;
    const seen = m.seenBy(results, unit, result.name);
    if (!seen) return;
    const isOwn = result.name === unit.layer;
    const maps = isOwn || results[unit.layer].from !== result.name || results[unit.layer].kind !== "pool"
      ? Array.from({ length: result.maps }, (_, map) => map) : [unit.map];
    const blocks = (isOwn ? [unit.map] : maps).map((map) => ({ map, ...seen }));
    m.mark(canvas, result, blocks, colours);
  }

  function isBefore(name, layer) {
    const names = Object.keys(results);
    return names.indexOf(name) <= names.indexOf(layer);
  }

  // Answer and panel --------------------------------------------------------------------------------

  function showAnswer(picture, train) {
    const probabilities = results.probabilities.values;
    const digit = m.argmax(probabilities);
    const isEmpty = picture.every((value) => value === 0);
    const percent = `${(100 * probabilities[digit]).toFixed(1)} %`;
    const text = isEmpty ? `Nothing is drawn. A network must choose all the same: ${digit}, ${percent}.` : `It reads a ${digit} (${percent}).`;
    if ($("sentence").textContent !== text) $("sentence").textContent = text;
    const logits = results.out.values;
    const most = Math.max(1, ...logits.map(Math.abs));
    [...$("bars").children].forEach((row, i) => {
      row.classList.toggle("draw-best", i === digit && !isEmpty);
      const [logit, probability] = row.querySelectorAll("button");
      fillBar(logit, logits[i], logits[i] / most, m.written(logits[i], 2));
      fillBar(probability, probabilities[i], probabilities[i], `${(100 * probabilities[i]).toFixed(1)} %`);
    });
    if (train) remember(digit);
  }

  function fillBar(button, value, share, text) {
    button.querySelector("span").textContent = text;
    button.setAttribute("aria-label", `${text}. ${button.dataset.question}`);
    button.style.setProperty("--share", Math.abs(share).toFixed(4));
    button.classList.toggle("negative", value < 0);
  }

  function remember(digit) {
    answers = [...answers, digit].slice(-REMEMBERED);
    const counts = new Map();
    for (const answer of answers) counts.set(answer, (counts.get(answer) ?? 0) + 1);
    const spelled = [...counts].sort((a, b) => b[1] - a[1]).map(([answer, count]) => `${answer} (${count}×)`);
    $("tally").textContent = `The last ${answers.length} answers: ${spelled.join(", ")}.`;
  }

  function showPanel(network) {
    const { unit } = state;
    if (!unit) return;
    const result = results[unit.layer];
    const convolution = { conv: unit.layer, pool: result.from }[result.kind];
    const isOff = state.off[convolution]?.has(unit.map) ?? false;
    m.showWhy($("why"), network, results, unit, {
      isOff,
      channel,
      chooseChannel: (chosen) => {
        channel = chosen;
        isHeld = true;
        refresh();
      },
      switchMap: convolution && (() => switchMap(convolution, unit.map)),
    });
  }

  function switchMap(convolution, map) {
    const maps = new Set(state.off[convolution]);
    if (!maps.delete(map)) maps.add(map);
    isHeld = true;
    change({ off: { ...state.off, [convolution]: maps } });
    $("all-on").hidden = Object.values({ ...state.off }).every((set) => set.size === 0);
  }

  // Layers: pointer and keyboard ----------------------------------------------------------------------

  function choose(unit) {
    if (unit.layer !== state.unit?.layer) channel = null;
    change({ unit });
  }

  /** One canvas for each layer that has a picture; made anew when the network changes. */
  function makeLayers(network) {
    const rows = network.steps.filter(({ kind, name }) => kind !== "dropout" && name !== "out").map((step) => {
      const result = results[step.name];
      const what = result.side === 1 ? `${result.maps.toLocaleString("en")} units` : `${result.maps} maps of ${result.side} × ${result.side}`;
      const how = `${NAMES[step.kind]} ${step.activation === "relu" ? "ReLU" : step.activation ?? ""}`.trim();
      const canvas = m.element("canvas", {
        "data-layer": step.name, tabindex: 0, role: "application",
        "aria-label": `${step.name}: ${what}, ${how}. Arrows move from unit to unit.`,
      });
      listenToLayer(canvas);
      const caption = m.element("figcaption", {}, m.element("b", {}, step.name), ` ${what}, ${how}`, m.element("span", { class: "draw-scale" }));
      return m.element("figure", { class: "draw-layer" }, caption, canvas);
    });
    $("layers").replaceChildren(...rows);
  }

  function listenToLayer(canvas) {
    const { layer } = canvas.dataset;
    const unitUnder = (event) => {
      const box = canvas.getBoundingClientRect();
      const scale = canvas.width / box.width;
      const found = m.unitAt(results[layer], (event.clientX - box.left) * scale, (event.clientY - box.top) * scale);
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
      if (!canvas.matches(":focus-visible") || state.unit?.layer === layer) return;
      isHeld = true;
      choose({ layer, map: 0, row: 0, column: 0 });
      speak();
    });
    canvas.addEventListener("keydown", (event) => pressOnLayer(event, layer));
  }

  const isSame = (a, b) => ["layer", "map", "row", "column"].every((key) => a[key] === b?.[key]);

  function pressOnLayer(event, layer) {
    const { unit } = state;
    if (unit?.layer !== layer) return;
    const result = results[layer];
    const convolution = { conv: layer, pool: result.from }[result.kind];
    if (event.key in ARROWS) choose({ layer, ...m.neighbour(result, unit, ...ARROWS[event.key]) });
    else if (event.key.toLowerCase() === "x" && convolution) switchMap(convolution, unit.map);
    else return;
    isHeld = true;
    event.preventDefault();
    speak();
  }

  /** Says to a screen reader which unit was reached by keyboard, and its value. */
  function speak() {
    const { layer, map, row, column } = state.unit;
    const result = results[layer];
    const value = result.values[(map * result.side + row) * result.side + column];
    $("spoken").textContent = `${m.nameUnit(state.unit, result)}: ${m.written(value)}`;
  }

  // Controls --------------------------------------------------------------------------------------

  function percent(fraction) {
    return (100 * fraction).toFixed(2);
  }

  function makeNetworkCards() {
    const cards = networks.map((network) => {
      const [low, high] = network.interval;
      const radio = m.element("input", { type: "radio", name: "draw-network", value: network.name });
      radio.addEventListener("change", () => chooseNetwork(network.name).then(rememberSoon));
      const accuracy = `${percent(network.right / network.testImages)} % right (${percent(low)} to ${percent(high)})`;
      const label = m.element("label", {}, radio, m.element("b", {}, network.name),
        m.element("span", {}, network.title), m.element("span", {}, accuracy), m.element("span", {}, `${network.parameters.toLocaleString("en")} parameters`));
      const file = m.element("a", { href: `${FOLDER}${network.name}.onnx`, download: "" }, "ONNX file");
      return m.element("div", { class: "draw-card" }, label, file);
    });
    $("networks").replaceChildren(...cards);
  }

  function makeBars() {
    for (let digit = 0; digit < 10; digit++) {
      const cells = ["out", "probabilities"].map((layer) => {
        const name = layer === "out" ? "logit" : "probability";
        const button = m.element("button", { type: "button", "data-question": `Why this ${name} of ${digit}?`, class: `draw-bar draw-${name}` }, m.element("span"));
        button.addEventListener("click", () => {
          isHeld = true;
          choose({ layer, map: digit, row: 0, column: 0 });
        });
        return m.element("td", {}, button);
      });
      $("bars").append(m.element("tr", {}, m.element("th", { scope: "row" }, String(digit)), ...cells));
    }
  }

  /** Brings all controls to where the state is. */
  function showControls() {
    const network = loaded.get(state.net);
    for (const radio of $("networks").querySelectorAll("input")) radio.checked = radio.value === state.net;
    $("pen").value = state.pen;
    $("centre").checked = state.centre;
    for (const name of Object.keys(m.SLIDERS)) showSlider(name);
    const hasDropout = network.layers.includes("dropout");
    $("training").hidden = !hasDropout;
    $("train").checked = state.train;
    $("tally").hidden = $("again").hidden = !state.train;
    $("all-on").hidden = Object.values(state.off).every((set) => set.size === 0);
    results = m.forward(network, new Float32Array(m.SIDE ** 2));
    makeLayers(network);
    showSource();
    refresh();
  }

  function showSlider(name) {
    const slider = $(name);
    slider.value = state[name];
    slider.nextElementSibling.textContent = `${state[name]}${UNITS[name]}`;
  }

  function showSource() {
    $("source").textContent = sourceText();
  }

  function sourceText() {
    if (state.digit === null) return isUntouched ? "An example: draw over it." : "";
    const label = digits.labels[digits.numbers.indexOf(state.digit)];
    const likely = digits.doubtful[state.digit];
    const doubt = likely === undefined ? "" : ` People who checked it read a ${likely} (Northcutt and others, 2021).`;
    return `Test digit ${state.digit.toLocaleString("en")}, labelled ${label}.${doubt}`;
  }

  /** Puts a test digit on the board, at random out of those that `pick` gives; not the same again. */
  async function takeDigit(pick) {
    if (!(await tryTo("The test digits", loadDigits))) return;
    const all = pick().filter((number) => number !== state.digit);
    if (all.length === 0) return;
    isUntouched = false;
    change({ digit: all[Math.floor(Math.random() * all.length)], strokes: [] });
    redrawInk();
    showSource();
  }

  function listenToControls() {
    $("clear").addEventListener("click", () => setStrokes([]));
    $("undo").addEventListener("click", () => setStrokes(state.strokes.slice(0, -1)));
    $("pen").addEventListener("input", () => change({ pen: Number($("pen").value) }));
    $("any").addEventListener("click", () => takeDigit(() => digits.numbers.slice(0, digits.ordinary)));
    $("doubtful").addEventListener("click", () => takeDigit(() => Object.keys(digits.doubtful).map(Number)));
    $("wrong").addEventListener("click", () => takeDigit(() => digits.wrong[state.net]));
    $("centre").addEventListener("change", () => change({ centre: $("centre").checked }));
    for (const [name, [lowest, highest]] of Object.entries(m.SLIDERS)) {
      Object.assign($(name), { min: lowest, max: highest });
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
      answers = [];
      change({ train: $("train").checked });
      $("tally").hidden = $("again").hidden = !state.train;
    });
    $("again").addEventListener("click", refresh);
    $("all-on").addEventListener("click", () => {
      change({ off: {} });
      $("all-on").hidden = true;
    });
  }

  /** In train mode the network answers anew by itself, unless the reader wants no motion. */
  function flicker() {
    const isStill = matchMedia("(prefers-reduced-motion: reduce)").matches;
    if (state.train && !isStill && !document.hidden) refresh();
  }

  function readTheme() {
    colours = m.readColours($("board"));
    refresh();
  }

  async function start() {
    makeBars();
    listenToBoard($("board"));
    listenToControls();
    readTheme();
    new MutationObserver(readTheme).observe(document.documentElement, { attributeFilter: ["data-theme"] });
    document.getElementById("draw").hidden = false;
    const isHere = await tryTo("The list of networks", async () => {
      [networks] = await load("networks");
    });
    if (!isHere) return;
    makeNetworkCards();
    await readAddress();
    addEventListener("hashchange", readAddress);
    setInterval(flicker, AGAIN_AFTER);
  }

  start();
})();

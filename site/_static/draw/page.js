// The page: what it shows is worked out, in `update`, from the state and from what has been loaded.
"use strict";

(() => {
  const m = globalThis.mnistconv;
  const AGAIN_AFTER = 300; // milliseconds between two answers in train mode
  const TITLES = { networks: "The list of networks", digits: "The test digits" };

  const $ = (name) => document.getElementById(`draw-${name}`);
  const names = [...$("networks").querySelectorAll("input")].map((radio) => radio.value);
  const store = m.makeStore({ ...m.freshState(), ...m.readAddress(names), ...m.freshOwn(), ...m.recallOwn() });
  const shelf = m.makeShelf(arrived);
  const voice = m.makeVoice($("spoken"));

  let network = null; // the one that answers: the chosen one, or, until that is here, the one before
  let colours = null;

  // What could not be loaded ------------------------------------------------------------------------

  const problems = new Map();

  function arrived(name, problem) {
    if (problem) problems.set(name, `${TITLES[name] ?? `The network ${name}`} could not be loaded (${problem.message}).`);
    else problems.delete(name);
    $("message").textContent = [...problems.values()].join(" ");
    $("message").hidden = problems.size === 0;
    if (problem && name === "digits" && store.state.digit !== null) store.change({ digit: null });
    if (problem && name === store.state.net) chooseAnother();
    refresh();
  }

  /** After a failure: the network that still answers, or the next one of which no failure is known. */
  function chooseAnother() {
    const other = network?.name ?? names.find((name) => !problems.has(name));
    if (other && !problems.has("networks")) store.change({ net: other });
  }

  // From the state to what the network computes -------------------------------------------------------

  const inkOfStrokes = m.onlyAnew(m.makeInk());
  const inkOfDigit = m.onlyAnew(m.digitImage);
  let ink = null; // what is on the board: until a test digit is here, what was on it before

  function inkOf(state, digits) {
    if (state.picture) return state.picture.ink;
    if (state.digit === null) return inkOfStrokes(m.isExample(state) ? m.EXAMPLE.strokes : state.strokes);
    return (digits && inkOfDigit(digits, state.digit)) ?? ink;
  }

  const pictureOf = m.onlyAnew((ink, centre, dx, dy, angle, scale, noise) =>
    m.pictureOf(ink, { centre, dx, dy, angle, scale, noise }));

  /** What is answered: the answers to one situation differ in train mode alone. */
  const situationOf = m.onlyAnew((answering, picture, off, train) => ({ answering, picture, off, train }));

  const resultsOf = m.onlyAnew(({ answering, picture, off, train }) => {
    const start = performance.now();
    const results = m.forward(answering, picture, { off, train });
    $("time").dataset.network = performance.now() - start;
    return results;
  });

  const isTraining = ({ train }) => train && network.layers.includes("dropout");

  /** All that the parts of the page show: the state, and what follows from it. */
  function look() {
    const { state } = store;
    const digits = shelf.get("digits");
    const isHere = shelf.get(state.net) !== undefined;
    if (isHere) network = shelf.get(state.net);
    ink = inkOf(state, digits);
    const view = { state, digits, network, ink, colours, loading: isHere ? "" : state.net };
    if (!network || !ink) return view;
    const picture = pictureOf(ink, state.centre, state.dx, state.dy, state.angle, state.scale, state.noise);
    const situation = situationOf(network, picture, isHere ? state.off : NO_MAPS, isTraining(state));
    return { ...view, situation, isTraining: isTraining(state), results: resultsOf(situation, state.asked) };
  }

  const NO_MAPS = {};

  // The loop --------------------------------------------------------------------------------------

  let isWaiting = false;
  let timed = null; // the results of which is said how long they took

  /** Asks for one pass of the loop before the next picture of the screen. */
  function refresh() {
    if (isWaiting) return;
    isWaiting = true;
    requestAnimationFrame(() => {
      isWaiting = false;
      update();
    });
  }

  function update() {
    const start = performance.now();
    const view = look();
    const { state, results } = view;
    const cursor = state.cursor.isShown ? { ...state.cursor, isDown: state.isDrawing, width: state.pen } : null;
    if (view.ink) m.paintBoard($("board"), view.ink, colours, cursor);
    controls(view);
    settle(view);
    for (const show of ownSet) show(view);
    if (!results) return;
    answer(view);
    // The second is shown much smaller: its frame is drawn three times as thick.
    m.paintInput($("input"), view, 2);
    m.paintInput($("why-input"), view, 6);
    layers(view);
    panel(view);
    compare(view);
    versus(view);
    handwriting(view);
    tellAnswer(view);
    if (results === timed) return; // a pass that only shows an answer again takes less
    timed = results;
    const spent = performance.now() - start;
    $("time").dataset.all = spent;
    const computed = Number($("time").dataset.network);
    $("time").textContent = `Network ${computed.toFixed(1)} ms, everything ${spent.toFixed(1)} ms, in this browser.`;
  }

  /** Lets go of what turns out not to be there: a unit of another network, a digit of another site. */
  function settle({ state, digits, results, loading }) {
    if (results && !loading && state.unit && !m.canExplain(results, state.unit)) store.change({ unit: null, isHeld: false });
    if (state.digit !== null && digits?.numbers.includes(state.digit) === false) store.change({ digit: null });
  }

  /** Tells a screen reader the answer to a new situation, or one that was asked for. */
  const tellAnew = m.onlyAnew((situation, asked, text) => voice.atRest(text));

  function tellAnswer({ situation, results, state, digits }) {
    tellAnew(situation, state.asked, `${m.sourceOf(state, digits)} ${m.sentenceOf(results)}`.trim());
  }

  // Loading, and links ----------------------------------------------------------------------------------

  /** Brings what the state needs and is not here yet. */
  function bring({ net, digit }) {
    shelf.bring(net);
    if (digit !== null) shelf.bring("digits");
  }

  /** Puts a test digit on the board, at random out of those that `pick` gives; not the same again. */
  async function takeDigit(pick) {
    const digits = await shelf.bring("digits");
    if (!digits) return;
    const all = pick(digits).filter((number) => number !== store.state.digit);
    if (!all.length) return;
    const digit = all[Math.floor(Math.random() * all.length)];
    store.change(m.putOnBoard(store.state, { digit, strokes: [] }));
  }

  /** Shows the situation of the address, after a link or a step in the browser's history. */
  function follow() {
    const next = m.readAddress(names);
    (next.unit ? $("panel") : $("board")).scrollIntoView({ block: "nearest" });
    store.change({ ...next, ...m.putOnBoard(store.state, next) });
  }

  // ------------------------------------------------------------------------------------------------------

  /** In train mode the network answers anew by itself, unless the reader wants rest, or reads. */
  function flicker() {
    const isStill = matchMedia("(prefers-reduced-motion: reduce)").matches;
    const isRead = $("panel").matches(":hover, :focus-visible, :has(:focus-visible)");
    const { state } = store;
    if (network && isTraining(state) && !isStill && !isRead && !document.hidden) store.change({ asked: state.asked + 1 });
  }

  function readTheme() {
    colours = m.readColours($("board"));
    refresh();
  }

  const reveal = () => $("panel").scrollIntoView({ block: "nearest" });
  // After a click on a layer the page stays where it is, as long as the panel's first lines can be read.
  const glance = () => $("panel").getBoundingClientRect().top > innerHeight - 70 && reveal();
  const workOut = (unit, more) => {
    store.change({ unit, isHeld: true, ...more });
    reveal();
  };
  const layers = m.makeLayers({ place: $("layers"), store, voice, refresh, reveal: glance });
  const panel = m.makePanel({ panel: $("panel"), place: $("why"), lens: $("lens"), fold: $("fold"), store, refresh });
  const answer = m.makeAnswer({ sentence: $("sentence"), bars: $("bars"), tally: $("tally"), workOut });
  const controls = m.makeControls({ $, store, takeDigit });
  const compare = m.makeCompare({ $, store, shelf, names });
  const versus = m.makeVersus({ $, store, voice, refresh, workOut });

  const ownSet = [m.makeOwnBoard, m.makeOwnKeep, m.makeOwnCount].map((make) => make({ $, store, shelf, names, voice }));
  const showBoard = () => $("board").scrollIntoView({ block: "nearest" });
  const handwriting = m.makeHandwriting({ $, store, shelf, names, voice, reveal: showBoard });

  m.makeTour({ place: $("tour"), back: $("back"), next: $("next"), step: $("step"), voice });
  m.listenToBoard($("board"), store, voice);
  m.keepAddress(store);
  m.keepOwn(store);
  readTheme();
  new MutationObserver(readTheme).observe(document.documentElement, { attributeFilter: ["data-theme"] });
  store.listen(refresh);
  store.listen((state, before) => {
    if (state.net !== before.net || state.digit !== before.digit) bring(state);
  });
  bring(store.state);
  addEventListener("hashchange", follow);
  for (const link of document.querySelectorAll("#draw-tour a")) {
    // A link to where the address is already changes nothing in it.
    link.addEventListener("click", () => link.hash === location.hash && follow());
  }
  setInterval(flicker, AGAIN_AFTER);
})();

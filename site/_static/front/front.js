// The board on the front page: the draw page's own board and answer, loaded when the reader comes to it.
"use strict";

(() => {
  const PARTS = document.currentScript.src.replace(/front\/front\.js.*$/, "draw/front.js"); // joined by the build
  const NET = "relu";

  const $ = (name) => document.getElementById(`front-${name}`);

  function bringParts() {
    const script = Object.assign(document.createElement("script"), { src: PARTS });
    script.onload = start;
    script.onerror = () => refuse(new Error("a script is missing"));
    document.head.append(script);
  }

  const refuse = (problem) => ($("sentence").textContent = `The network could not be loaded (${problem.message}).`);

  /** Connects board, network and answer: what is shown is worked out, in `update`, from the state. */
  function start() {
    const m = globalThis.mnistconv;
    const store = m.makeStore(m.freshState());
    const shelf = m.makeShelf((name, problem) => (problem ? refuse(problem) : refresh()));
    const voice = m.makeVoice($("spoken"));
    const pageOf = (state) => `draw.html#${m.writeState(state)}`;
    const workOut = (unit) => location.assign(pageOf({ ...store.state, unit }));
    const answer = m.makeAnswer({ sentence: $("sentence"), bars: $("bars"), workOut });
    const inkOf = m.onlyAnew(m.makeInk());
    const resultsOf = m.onlyAnew((network, ink) => m.forward(network, m.pictureOf(ink, store.state)));
    const tellAnew = m.onlyAnew((results) => voice.atRest(m.sentenceOf(results)));
    let colours = null;
    let isWaiting = false;

    function refresh() {
      if (isWaiting) return;
      isWaiting = true;
      requestAnimationFrame(update);
    }

    function update() {
      isWaiting = false;
      const { state } = store;
      const ink = inkOf(m.isExample(state) ? m.EXAMPLE.strokes : state.strokes);
      const cursor = state.cursor.isShown ? { ...state.cursor, isDown: state.isDrawing, width: state.pen } : null;
      m.paintBoard($("board"), ink, colours, cursor);
      $("link").href = pageOf(state);
      const network = shelf.get(NET);
      if (!network) return;
      const results = resultsOf(network, ink);
      answer({ results, isTraining: false, situation: results });
      tellAnew(results);
    }

    function readTheme() {
      colours = m.readColours($("board"));
      refresh();
    }

    m.listenToBoard($("board"), store, voice);
    $("clear").addEventListener("click", () => store.change(m.putOnBoard(store.state, { strokes: [], digit: null })));
    $("undo").addEventListener("click", () => store.change(m.undo(store.state)));
    store.listen(refresh);
    readTheme();
    new MutationObserver(readTheme).observe(document.documentElement, { attributeFilter: ["data-theme"] });
    shelf.bring(NET);
  }

  // What the first load leaves out comes when most of the board is in view, or at the first touch.
  const observer = new IntersectionObserver((entries) => entries.some((entry) => entry.isIntersecting) && begin(), { threshold: 0.75 });
  let hasBegun = false;

  function begin() {
    if (hasBegun) return;
    hasBegun = true;
    observer.disconnect();
    bringParts();
  }

  observer.observe($("board"));
  for (const touch of ["pointerenter", "pointerdown", "focus"]) $("board").addEventListener(touch, begin);
})();

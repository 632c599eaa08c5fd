// Your own test set: the board on which it is written, what is asked for, and what was handed in.
"use strict";

globalThis.mnistconv = globalThis.mnistconv ?? {};

(() => {
  const m = globalThis.mnistconv;

  /** The board of the set as a store of its own, for what draws: its strokes are those of the set. */
  function sheetOf(store) {
    return {
      get state() {
        return { ...store.state.sheet, strokes: m.strokesOf(store.state.own) };
      },
      change({ strokes, ...fields }) {
        const { own, sheet } = store.state;
        if (!strokes) store.change({ sheet: { ...sheet, ...fields } });
        else if (m.takesInk(own)) {
          const ended = { ...sheet, isDrawing: false, ...fields };
          store.change({ own: m.putStrokes(own, strokes), sheet: ended, ownNote: "" });
        }
      },
    };
  }

  /** What is asked for now, in words. */
  function askOf(own) {
    if (m.takesInk(own)) return `Write ${m.aDigit(own.asked[own.at])}`;
    return m.countWritten(own) ? "That was the last one" : "All were skipped";
  }

  /** The part of the page in which the set is written. Returns `show(view)`. */
  function makeOwnBoard({ $, store, voice }) {
    const board = $("own-board");
    const sheet = sheetOf(store);
    const inkOf = m.onlyAnew(m.makeInk());

    m.listenToBoard(board, sheet, voice);

    /** Changes the state, and says what is asked for then. */
    const turn = (fields) => {
      store.change(fields(store.state));
      const { own, ownNote } = store.state;
      voice.now(ownNote || `${askOf(own)}.`);
      if (!m.takesInk(own)) $("own-count").focus();
    };
    const undo = () => sheet.change(m.undo(sheet.state));

    $("own-next").addEventListener("click", () => turn(m.handIn));
    $("own-skip").addEventListener("click", () => turn(m.skip));
    $("own-back").addEventListener("click", () => turn(m.goBack));
    $("own-undo").addEventListener("click", undo);
    $("own-clear").addEventListener("click", () => sheet.change(m.putOnBoard(sheet.state, { strokes: [], digit: null })));
    board.addEventListener("keydown", (event) => {
      if (event.key === "Enter") turn(m.handIn);
    });
    $("own").addEventListener("keydown", (event) => {
      const isUndo = (event.ctrlKey || event.metaKey) && !event.shiftKey && event.key.toLowerCase() === "z";
      if (!isUndo || !m.takesInk(store.state.own)) return;
      event.preventDefault();
      event.stopPropagation(); // the main board has its own Undo
      undo();
    });

    const paintSheet = m.onlyAnew((strokes, cursor, isDown, colours) => {
      const pen = cursor.isShown ? { ...cursor, isDown, width: m.PEN[2] } : null;
      m.paintBoard(board, inkOf(strokes), colours, pen);
    });

    const makeSlots = m.onlyAnew((asked) => {
      const slots = asked.map(() => ({
        canvas: m.element("canvas"), label: m.element("span"),
        paint: m.onlyAnew((strokes, colours, canvas) => m.paintDrawing(canvas, strokes, colours)),
      }));
      $("own-slots").replaceChildren(...slots.map(({ canvas, label }) => m.element("li", {}, canvas, label)));
      return slots;
    });

    /** What was handed in; the digit on the board joins when it is, too. */
    function showSlots({ asked, written, at, isClosed }, colours) {
      makeSlots(asked).forEach(({ canvas, label, paint }, i) => {
        const isNow = i === at && !isClosed;
        paint(isNow ? null : written[i], colours, canvas);
        canvas.parentElement.classList.toggle("draw-own-now", isNow);
        const isKnown = i < at || written[i].length;
        m.setText(label, isKnown || isNow ? String(asked[i]) : "·");
      });
    }

    return ({ state: { own, sheet: { cursor, isDrawing } }, colours }) => {
      $("own-desk").hidden = own.isClosed;
      m.setText($("own-ask"), askOf(own));
      m.setText($("own-step"), `${Math.min(own.at + 1, own.asked.length)} of ${own.asked.length}`);
      const isOpen = m.takesInk(own);
      board.classList.toggle("draw-own-done", !isOpen);
      const label = `Board of your test set. ${askOf(own)}.`;
      if (board.ariaLabel !== label) board.ariaLabel = label;
      for (const name of ["next", "skip", "undo", "clear"]) $(`own-${name}`).disabled = !isOpen;
      $("own-back").disabled = own.at === 0;
      paintSheet(m.strokesOf(own), cursor, isDrawing, colours);
      showSlots(own, colours);
    };
  }

  /** Paints strokes small; an empty square where there are none. */
  function paintDrawing(canvas, strokes, colours) {
    const { width: side, data: values } = m.drawStrokes(strokes ?? []);
    m.paintLayer(canvas, { kind: "input", maps: 1, side, values }, { most: 1, colours });
  }

  /** Sets a text only where it is another, so that a screen reader and the layout are left in peace. */
  function setText(element, text) {
    if (element.textContent !== text) element.textContent = text;
  }

  Object.assign(m, { sheetOf, makeOwnBoard, paintDrawing, setText });
})();

// The drawing board: pointer and keyboard become strokes, strokes and digits become ink.
"use strict";

globalThis.mnistconv = globalThis.mnistconv ?? {};

(() => {
  const m = globalThis.mnistconv;
  const ARROWS = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };
  const STRIDE = 0.5; // input pixels per press of an arrow

  /** Draws into the state of `store` what pointer and keyboard do on the canvas `board`. */
  function listenToBoard(board, store, voice) {
    listenToPointer(board, store);
    listenToKeys(board, store, voice);
  }

  const begin = (store, point) => store.change(m.beginStroke(store.state, point.map(m.roundToGrid)));
  const goOn = (store, point) => store.change(m.continueStroke(store.state, point.map(m.roundToGrid)));

  /** Where a stroke leaves the board it ends, and another begins where the pen comes back. */
  function listenToPointer(board, store) {
    let pointer = null; // the one that draws: a second finger does not
    let isOutside = false;

    const pointOf = (event) => {
      const box = board.getBoundingClientRect();
      return [event.clientX - box.left, event.clientY - box.top].map((v) => (v / box.width) * m.SIDE);
    };

    const draw = (event) => {
      const point = pointOf(event);
      const wasOutside = isOutside;
      isOutside = point.some((v) => v < 0 || v > m.SIDE);
      if (!wasOutside) goOn(store, point);
      else if (!isOutside) begin(store, point);
    };

    board.addEventListener("pointerdown", (event) => {
      if (event.button !== 0 || pointer !== null) return;
      pointer = event.pointerId;
      board.setPointerCapture(pointer);
      isOutside = false;
      hideCursor(store);
      begin(store, pointOf(event));
    });
    // Where text that spans the board is selected, browsers would drag it, and the stroke would end.
    board.addEventListener("dragstart", (event) => event.preventDefault());
    board.addEventListener("pointermove", (event) => {
      if (event.pointerId !== pointer) return;
      const events = event.getCoalescedEvents?.() ?? [];
      (events.length ? events : [event]).forEach(draw);
    });
    for (const name of ["pointerup", "pointercancel", "lostpointercapture"]) {
      board.addEventListener(name, (event) => {
        if (event.pointerId !== pointer) return;
        pointer = null;
        store.change({ isDrawing: false });
      });
    }
  }

  function hideCursor(store) {
    store.change({ cursor: { ...store.state.cursor, isShown: false }, isDrawing: false });
  }

  function listenToKeys(board, store, voice) {
    const within = (value) => Math.min(27.5, Math.max(0.5, value));

    board.addEventListener("keydown", (event) => {
      const isSpace = event.key === " ";
      if ((!isSpace && !(event.key in ARROWS)) || event.ctrlKey || event.metaKey) return;
      event.preventDefault();
      const { cursor, isDrawing } = store.state;
      const [right, down] = ARROWS[event.key] ?? [0, 0];
      const [x, y] = [within(cursor.x + right * STRIDE), within(cursor.y + down * STRIDE)];
      store.change({ cursor: { x, y, isShown: true } });
      if (!isSpace) goOn(store, [x, y]);
      else if (isDrawing) store.change({ isDrawing: false });
      else begin(store, [x, y]);
      voice.now(`Pen ${store.state.isDrawing ? "down" : "up"}, ${x} right, ${y} down.`);
    });
    board.addEventListener("blur", () => hideCursor(store));
  }

  // Ink -------------------------------------------------------------------------------------------

  /**
   * A function of strokes that gives them as ink, an image. It draws only what was added since the
   * last call where the rest is the same.
   */
  function makeInk() {
    let drawn = [];
    let ink = m.noInk();

    return (strokes) => {
      if (!goesOn(drawn, strokes)) {
        drawn = [];
        ink = m.noInk();
      }
      strokes.forEach(({ width, points }, i) => {
        for (let k = drawn[i]?.points.length ?? 0; k < points.length; k++) {
          m.drawSegment(ink, points[Math.max(0, k - 1)], points[k], width);
        }
      });
      drawn = strokes;
      return { ...ink };
    };
  }

  /** Whether `now` is `before` with more strokes, or with its last stroke longer. */
  function goesOn(before, now) {
    if (now.length < before.length) return false;
    return before.every((stroke, i) => {
      const other = now[i];
      if (stroke === other) return true;
      return stroke.width === other.width && stroke.points.every((point, k) => point === other.points[k]);
    });
  }

  /** The test digit `number` as an image; none where the site does not carry it. */
  function digitImage(digits, number) {
    const place = digits.numbers.indexOf(number);
    if (place < 0) return null;
    const size = m.SIDE ** 2;
    const pixels = digits.pixels.subarray(place * size, (place + 1) * size);
    return { width: m.SIDE, height: m.SIDE, data: Float32Array.from(pixels, (value) => value / 255) };
  }

  /** What a network gets: the ink prepared, or not, then disturbed, as the state says. */
  function pictureOf(ink, { centre, dx, dy, angle, scale, noise }) {
    const prepared = centre ? m.prepare(ink) : m.shrink(ink);
    return m.addNoise(m.disturb(prepared, { dx, dy, angle, scale }), noise).data;
  }

  Object.assign(m, { ARROWS, listenToBoard, makeInk, digitImage, pictureOf });
})();

// The drawing board: pointer and keyboard become strokes.
"use strict";

globalThis.mnistconv = globalThis.mnistconv ?? {};

(() => {
  const m = globalThis.mnistconv;
  const ARROWS = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };
  const STRIDE = 0.5; // input pixels per press of an arrow

  /**
   * Calls `begin(point)` when a stroke begins and `go(point)` as it goes on, points in input pixels,
   * 0 to 28; `moved()` when only the keyboard's pen has moved. Where a stroke leaves the board it
   * ends, and another begins where the pen comes back. Returns the keyboard's pen: {x, y, isDown,
   * isShown}.
   */
  function listenToBoard(board, { begin, go, moved }) {
    const pen = { x: 14, y: 14, isDown: false, isShown: false };
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
      if (!wasOutside) go(point.map(m.roundToGrid));
      else if (!isOutside) begin(point.map(m.roundToGrid));
    };

    board.addEventListener("pointerdown", (event) => {
      if (event.button !== 0 || pointer !== null) return;
      pointer = event.pointerId;
      board.setPointerCapture(pointer);
      pen.isShown = pen.isDown = isOutside = false;
      begin(pointOf(event).map(m.roundToGrid));
    });
    board.addEventListener("pointermove", (event) => {
      if (event.pointerId !== pointer) return;
      const events = event.getCoalescedEvents?.() ?? [];
      (events.length ? events : [event]).forEach(draw);
    });
    for (const name of ["pointerup", "pointercancel", "lostpointercapture"]) {
      board.addEventListener(name, (event) => {
        if (event.pointerId === pointer) pointer = null;
      });
    }

    board.addEventListener("keydown", (event) => {
      if (event.key !== " " && !(event.key in ARROWS)) return;
      event.preventDefault();
      pen.isShown = true;
      const [right, down] = ARROWS[event.key] ?? [0, 0];
      pen.x = Math.min(27.5, Math.max(0.5, pen.x + right * STRIDE));
      pen.y = Math.min(27.5, Math.max(0.5, pen.y + down * STRIDE));
      const point = [pen.x, pen.y].map(m.roundToGrid);
      if (event.key !== " ") {
        if (pen.isDown) go(point);
      } else {
        pen.isDown = !pen.isDown;
        if (pen.isDown) begin(point);
      }
      moved();
    });
    board.addEventListener("blur", () => {
      pen.isShown = pen.isDown = false;
      moved();
    });
    return pen;
  }

  Object.assign(m, { ARROWS, listenToBoard });
})();

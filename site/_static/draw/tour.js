// Things to try, one at a time, beside the board.
"use strict";

globalThis.mnistconv = globalThis.mnistconv ?? {};

(() => {
  /** Shows one child of `place` at a time; the buttons `back` and `next` go round, `step` counts. */
  function makeTour({ place, back, next, step }) {
    const stops = [...place.children];
    let at = 0;

    function go(by) {
      at = (at + by + stops.length) % stops.length;
      stops.forEach((stop, i) => stop.classList.toggle("draw-stop", i === at));
      step.textContent = `${at + 1} of ${stops.length}`;
    }

    back.addEventListener("click", () => go(-1));
    next.addEventListener("click", () => go(1));
    go(0);
  }

  Object.assign(globalThis.mnistconv, { makeTour });
})();

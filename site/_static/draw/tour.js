// Things to try, one at a time, beside the board.
"use strict";

globalThis.mnistconv = globalThis.mnistconv ?? {};

(() => {
  /** Shows one child of `place` at a time, and says it; the buttons `back` and `next` go round, `step` counts. */
  function makeTour({ place, back, next, step, voice }) {
    const stops = [...place.children];
    let at = 0;

    function go(by) {
      at = (at + by + stops.length) % stops.length;
      stops.forEach((stop, i) => stop.classList.toggle("draw-stop", i === at));
      step.textContent = `${at + 1} of ${stops.length}`;
    }

    for (const [button, by] of [[back, -1], [next, 1]]) {
      button.addEventListener("click", () => {
        go(by);
        voice.now(`${step.textContent}: ${stops[at].textContent}`);
      });
    }
    go(0);
  }

  Object.assign(globalThis.mnistconv, { makeTour });
})();

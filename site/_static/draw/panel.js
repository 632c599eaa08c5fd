// The panel "Why?": shows the chosen unit, and lets the reader go on from there.
"use strict";

globalThis.mnistconv = globalThis.mnistconv ?? {};

(() => {
  const m = globalThis.mnistconv;
  const HINT = "Point at a square of a layer, or choose a logit or a probability.";

  /**
   * The part of the page that explains, in the element `panel`; what it says stands in `place`.
   * Returns `show(view)`.
   */
  function makePanel({ panel, place, lens, fold, store, refresh }) {
    let results = null; // the last ones that were shown
    let isPressed = false; // whether a pointer is down in the panel: its buttons must stay in place then

    let isLensInSight = false;
    new IntersectionObserver((entries) => {
      isLensInSight = entries.at(-1).isIntersecting;
      refresh();
    }).observe(lens);

    const hold = (unit) => store.change({ unit, isHeld: true, step: store.state.step });

    /** One step from the chosen unit, which may be newer than what the panel shows. */
    function move(...step) {
      const { unit } = store.state;
      hold({ layer: unit.layer, ...m.neighbour(results[unit.layer], unit, ...step) });
    }

    function showLens({ unit }, colours) {
      const result = results[unit.layer];
      lens.hidden = result.kind === "softmax" || unit.layer === "out";
      if (lens.hidden) return;
      m.sizeLens(lens, result, unit);
      if (!isLensInSight) return;
      const shown = { ...result, values: m.shownValues(results, result).values };
      m.paintLens(lens, shown, unit, { isSigned: m.isSigned(result), most: m.strongest(shown.values), colours });
    }

    lens.addEventListener("click", (event) => {
      const { unit } = store.state;
      const box = lens.getBoundingClientRect();
      const [x, y] = [(event.clientX - box.left) / box.width, (event.clientY - box.top) / box.height];
      const found = m.unitInLens(results[unit.layer], unit, x, y);
      if (found) hold({ layer: unit.layer, ...found });
    });

    function show({ state, network, results: now, colours }) {
      const { unit, isHeld, channel, off } = state;
      if (isPressed) return;
      panel.classList.toggle("draw-held", isHeld);
      results = now;
      if (!unit || !m.canExplain(results, unit)) {
        lens.hidden = true;
        place.replaceChildren(m.element("p", { class: "draw-hint" }, HINT));
        return;
      }
      showLens(state, colours);
      const result = results[unit.layer];
      const convolution = m.convolutionOf(result);
      const hasNeighbours = result.kind !== "softmax" && unit.layer !== "out";
      m.showWhy(place, network, results, unit, {
        isHeld,
        isOff: off[convolution]?.has(unit.map) ?? false,
        channel,
        chooseChannel: (chosen) => store.change({ channel: chosen, isHeld: true }),
        switchMap: convolution && (() => store.change(m.switchMap(store.state, convolution, unit.map))),
        release: () => store.change({ isHeld: false }),
        move: hasNeighbours && move,
      });
    }

    listenToPresses(panel, (value) => {
      isPressed = value;
      if (!value) refresh();
    });
    fold.addEventListener("click", () => {
      const isFolded = panel.classList.toggle("draw-folded");
      fold.textContent = isFolded ? "Open" : "Fold";
      fold.setAttribute("aria-expanded", String(!isFolded));
    });
    return show;
  }

  /** Calls `tell(true)` when a pointer goes down in `panel`, `tell(false)` after its click. */
  function listenToPresses(panel, tell) {
    let presses = 0;
    panel.addEventListener("pointerdown", (event) => {
      presses += 1;
      tell(event.button === 0);
    });
    const release = () => {
      const released = presses;
      setTimeout(() => {
        if (released === presses) tell(false); // else it is pressed again meanwhile
      });
    };
    for (const name of ["pointerup", "pointercancel", "blur"]) addEventListener(name, release);
  }

  Object.assign(m, { makePanel });
})();

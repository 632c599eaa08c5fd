// The layers as pictures: painted while they are in view, pointed at, and walked through by keyboard.
"use strict";

globalThis.mnistconv = globalThis.mnistconv ?? {};

(() => {
  const m = globalThis.mnistconv;
  const SIGNED = ["conv", "dense"];
  const NAMES = { conv: "before pooling", pool: "after pooling and", dense: "dense," };

  const isSame = (a, b) => ["layer", "map", "row", "column"].every((key) => a[key] === b?.[key]);

  /** The values that go on from a layer: after its dropout, where it has one. */
  function shownValues(results, result) {
    return Object.values(results).find((r) => r.kind === "dropout" && r.from === result.name) ?? result;
  }

  /** The convolution whose maps a layer shows, before or after pooling; none for other layers. */
  function convolutionOf({ kind, name, from }) {
    return { conv: name, pool: from }[kind];
  }

  /** What changes when a map is switched off, or on again; its unit is held. */
  function switchMap({ off }, convolution, map) {
    const maps = new Set(off[convolution]);
    if (!maps.delete(map)) maps.add(map);
    return { off: { ...off, [convolution]: maps }, isHeld: true };
  }

  /** Frames the chosen unit in its own layer, and what it sees in the layers before. */
  function markSeen(canvas, { state, results, colours }, result, width) {
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

  /** Whether a layer has values of both signs, in two colours. */
  const isSigned = ({ kind, activation }) => SIGNED.includes(kind) && !activation;

  /** Paints the network's input, with what the chosen unit sees of it. */
  function paintInput(canvas, view, width) {
    m.paintLayer(canvas, view.results.input, { most: 1, colours: view.colours });
    markSeen(canvas, view, view.results.input, width);
  }

  /** What a layer is, in words: {what, how}. */
  function wordsOf(step, { maps, side }) {
    const what = side === 1 ? `${maps.toLocaleString("en")} units` : `${maps} maps of ${side} × ${side}`;
    const activation = step.activation === "relu" ? "ReLU" : step.activation ?? "";
    return { what, how: `${NAMES[step.kind]} ${activation}`.trim() };
  }

  /**
   * The part of the page that shows the layers, in the element `place`. `reveal()` brings into view
   * what explains a unit. Returns `show(view)`.
   */
  function makeLayers({ place, store, voice, refresh, reveal }) {
    let view = null; // the last one that was shown
    const inSight = new Set(); // the pictures that are on the screen, or nearly

    const watcher = new IntersectionObserver((entries) => {
      for (const { target, isIntersecting } of entries) {
        if (isIntersecting) inSight.add(target);
        else inSight.delete(target);
      }
      refresh();
    }, { rootMargin: "100px" });

    function makeRow(step) {
      const { what, how } = wordsOf(step, view.results[step.name]);
      const canvas = m.element("canvas", {
        "data-layer": step.name, tabindex: 0, role: "application",
        "aria-label": `${step.name}: ${what}, ${how}. Arrows move from unit to unit.`,
      });
      Object.assign(canvas, m.sizeOf(view.results[step.name]));
      listen(canvas, step.name);
      watcher.observe(canvas);
      const caption = m.element("figcaption", { title: how }, m.element("b", {}, step.name), ` ${what}`,
        m.element("span", { class: "draw-scale" }));
      return m.element("figure", { class: `draw-layer draw-of-${step.name}` }, caption, canvas);
    }

    function makeRows() {
      watcher.disconnect();
      inSight.clear();
      const shown = view.network.steps.filter(({ kind, name }) => kind !== "dropout" && name !== "out");
      place.replaceChildren(...shown.map(makeRow));
    }

    function paintRow(row) {
      const canvas = row.querySelector("canvas");
      if (!inSight.has(canvas)) return;
      const { results, state, colours } = view;
      const result = results[canvas.dataset.layer];
      const values = { ...shownValues(results, result), kind: result.kind };
      const off = state.off[convolutionOf(result)];
      const most = m.written(m.paintLayer(canvas, values, { isSigned: isSigned(result), colours, off }), 2);
      row.querySelector(".draw-scale").textContent = isSigned(result) ? `± ${most}` : `0 to ${most}`;
      markSeen(canvas, view, result);
    }

    const choose = (unit, isHeld) => store.change({ unit, isHeld });

    function listen(canvas, layer) {
      const unitUnder = (event) => {
        const box = canvas.getBoundingClientRect();
        const scale = canvas.width / box.width;
        const [x, y] = [event.clientX - box.left, event.clientY - box.top].map((v) => v * scale);
        const found = m.unitAt(view.results[layer], x, y);
        return found && { layer, ...found };
      };
      canvas.addEventListener("pointermove", (event) => {
        const unit = unitUnder(event);
        if (unit && !store.state.isHeld) choose(unit, false);
      });
      canvas.addEventListener("click", (event) => {
        const unit = unitUnder(event);
        if (unit) choose(unit, !(store.state.isHeld && isSame(unit, store.state.unit)));
        if (unit) reveal();
      });
      canvas.addEventListener("focus", () => {
        if (!canvas.matches(":focus-visible")) return;
        const { unit } = store.state;
        choose(unit?.layer === layer ? unit : { layer, map: 0, row: 0, column: 0 }, true);
        speak();
      });
      canvas.addEventListener("keydown", (event) => press(event, layer));
    }

    function press(event, layer) {
      const { unit } = store.state;
      if (unit?.layer !== layer || event.ctrlKey || event.metaKey) return;
      const result = view.results[layer];
      const convolution = convolutionOf(result);
      if (event.key in m.ARROWS) choose({ layer, ...m.neighbour(result, unit, ...m.ARROWS[event.key]) }, true);
      else if (event.key.toLowerCase() === "x" && convolution) store.change(switchMap(store.state, convolution, unit.map));
      else return;
      event.preventDefault();
      requestAnimationFrame(speak); // after the loop's own pass
    }

    /** Says which unit was reached by keyboard, and its value. */
    function speak() {
      const { unit, off } = store.state;
      const result = view.results[unit.layer];
      const value = result.values[(unit.map * result.side + unit.row) * result.side + unit.column];
      const isOff = off[convolutionOf(result)]?.has(unit.map) ? ", switched off" : "";
      voice.now(`${m.nameUnit(unit, result)}: ${m.written(value)}${isOff}`);
    }

    return (next) => {
      const isOther = next.network !== view?.network;
      view = next;
      if (isOther) makeRows();
      for (const row of place.children) paintRow(row);
    };
  }

  Object.assign(m, { makeLayers, paintInput, isSigned, shownValues, convolutionOf, switchMap });
})();

// Buttons, sliders and switches: each changes the state, and shows what the state is.
"use strict";

globalThis.mnistconv = globalThis.mnistconv ?? {};

(() => {
  const m = globalThis.mnistconv;
  const UNITS = { dx: " px", dy: " px", angle: "°", scale: "×", noise: "" };
  const DISTURBANCES = Object.keys(m.SLIDERS);
  const UNDISTURBED = Object.fromEntries(DISTURBANCES.map((name) => [name, m.SLIDERS[name][2]]));

  /** What stands below the board: where what is on it comes from. */
  function sourceOf(state, digits) {
    if (state.picture) return state.picture.source;
    if (m.isExample(state)) return "An example: draw over it.";
    if (state.digit === null || !digits) return "";
    const label = digits.labels[digits.numbers.indexOf(state.digit)];
    const likely = digits.doubtful[state.digit];
    const doubt = likely === undefined ? "" : ` A network took it for ${m.aDigit(likely)} (Northcutt and others, 2021); how five people voted: chapter 10.`;
    return `Test digit ${state.digit.toLocaleString("en")}, labelled ${label}.${doubt}`;
  }

  /**
   * Connects the controls, found by `$(name)`, with the state. `takeDigit(pick)` puts a test digit on
   * the board. Returns `show(view)`.
   */
  function makeControls({ $, store, takeDigit }) {
    const radios = [...$("networks").querySelectorAll("input")];
    const change = (fields) => store.change(typeof fields === "function" ? fields(store.state) : fields);
    const on = (name, event, fields) => $(name).addEventListener(event, () => change(fields));

    // Not "change": the network that answers can be chosen again while another is on its way.
    for (const radio of radios) radio.addEventListener("click", () => change({ net: radio.value }));
    on("clear", "click", (state) => m.putOnBoard(state, { strokes: [], digit: null }));
    on("undo", "click", m.undo);
    on("pen", "input", () => ({ pen: Number($("pen").value) }));
    on("centre", "change", () => ({ centre: $("centre").checked }));
    on("train", "change", () => ({ train: $("train").checked }));
    on("again", "click", ({ asked }) => ({ asked: asked + 1 }));
    on("straight", "click", UNDISTURBED);
    Object.assign($("pen"), { min: m.PEN[0], max: m.PEN[1], step: 0.2 });
    for (const name of DISTURBANCES) {
      const [min, max, , step] = m.SLIDERS[name];
      Object.assign($(name), { min, max, step });
      on(name, "input", () => ({ [name]: Number($(name).value) }));
    }
    on("all-on", "click", { off: {} });
    $("all-on").addEventListener("click", () => $("layers").querySelector("canvas").focus({ preventScroll: true }));
    $("any").addEventListener("click", () => takeDigit((digits) => digits.numbers.slice(0, digits.ordinary)));
    $("doubtful").addEventListener("click", () => takeDigit((digits) => Object.keys(digits.doubtful).map(Number)));
    $("wrong").addEventListener("click", () => takeDigit((digits) => digits.wrong[store.state.net]));
    addEventListener("keydown", (event) => {
      const isUndo = (event.ctrlKey || event.metaKey) && !event.shiftKey && event.key.toLowerCase() === "z";
      if (!isUndo || event.target.matches("[type='search'], [type='text'], textarea")) return;
      event.preventDefault();
      change(m.undo);
    });

    /** Sets only what differs, so that a slider that is being dragged stays as it is. */
    const set = (element, key, value) => {
      if (element[key] !== value) element[key] = value;
    };

    return ({ state, network, digits, loading }) => {
      for (const radio of radios) {
        if (radio.value === loading) set(radio.parentElement.querySelector(".draw-reads"), "textContent", "loading …");
      }
      for (const radio of radios) set(radio, "checked", radio.value === (network?.name ?? state.net));
      set($("pen"), "value", String(state.pen));
      set($("centre"), "checked", state.centre);
      for (const name of DISTURBANCES) {
        set($(name), "value", String(state[name]));
        set($(name).nextElementSibling, "textContent", `${state[name]}${UNITS[name]}`);
      }
      set($("training"), "hidden", !network?.layers.includes("dropout"));
      set($("train"), "checked", state.train);
      $("tally").hidden = $("again").hidden = !state.train;
      set($("all-on"), "hidden", Object.values(state.off).every((maps) => maps.size === 0));
      set($("source"), "textContent", sourceOf(state, digits));
    };
  }

  Object.assign(m, { makeControls, sourceOf });
})();

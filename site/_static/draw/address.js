// The state of the page as text for its address, so that a situation can be linked to, and back.
"use strict";

globalThis.mnistconv = globalThis.mnistconv ?? {};

(() => {
  const SLIDERS = {
    // name: [lowest, highest, at rest, step]
    dx: [-10, 10, 0, 1],
    dy: [-10, 10, 0, 1],
    angle: [-180, 180, 0, 1],
    scale: [0.4, 1.6, 1, 0.05],
    noise: [0, 0.6, 0, 0.02],
  };
  const PEN = [1, 6, 2.4];
  const STEP = 28 / 255; // strokes are kept on a grid of 256 by 256, one byte per coordinate
  const LONGEST_INK = 100_000; // characters; the oldest strokes of a longer drawing are left out

  const roundToGrid = (value) => Math.round(Math.min(28, Math.max(0, value)) / STEP) * STEP;

  /** The page as it starts: nothing drawn yet (strokes null, not empty), nothing disturbed. */
  function emptyState() {
    return {
      net: "relu", strokes: null, digit: null, pen: PEN[2], centre: true,
      dx: 0, dy: 0, angle: 0, scale: 1, noise: 0, off: {}, train: false, unit: null,
      why: null, rival: null, // the digit that is asked about, null for the answer; its rival: null, "none" or a digit
    };
  }

  /** A stroke as base64: pen width in tenths, then x and y of each point on the grid. */
  function writeStroke({ width, points }) {
    const bytes = [Math.round(width * 10), ...points.flat().map((v) => Math.round(v / STEP))];
    const text = btoa(String.fromCharCode(...bytes));
    return text.replaceAll("+", "-").replaceAll("/", "_").replaceAll("=", "");
  }

  /** The stroke that `writeStroke` wrote. Throws when the text is none. */
  function readStroke(text) {
    const bytes = Array.from(atob(text.replaceAll("-", "+").replaceAll("_", "/")), (c) => c.charCodeAt(0));
    const [tenths, ...grid] = bytes;
    if (grid.length < 2 || grid.length % 2) throw new Error("a stroke of half a point");
    const points = [];
    for (let i = 0; i < grid.length; i += 2) points.push([grid[i] * STEP, grid[i + 1] * STEP]);
    return { width: Math.min(PEN[1], Math.max(PEN[0], tenths / 10)), points };
  }

  const writeUnit = ({ layer, map, row, column }) => [layer, map, row, column].join(".");

  function writeStrokes(strokes) {
    const text = strokes.map(writeStroke).join(".");
    return text.length > LONGEST_INK ? writeStrokes(strokes.slice(1)) : text;
  }

  /** What differs from the empty state, as "net=relu&dx=3&ink=...". */
  function writeState(state) {
    const fields = { net: state.net };
    if (state.digit !== null) fields.digit = state.digit;
    else if (state.strokes !== null) fields.ink = writeStrokes(state.strokes);
    if (!state.centre) fields.centre = 0;
    for (const [name, [, , rest]] of Object.entries(SLIDERS)) {
      if (state[name] !== rest) fields[name] = state[name];
    }
    const off = Object.entries(state.off).flatMap(([layer, maps]) => [...maps].map((m) => `${layer}.${m}`));
    if (off.length) fields.off = off.join(",");
    if (state.train) fields.train = 1;
    if (state.unit) fields.unit = writeUnit(state.unit);
    if (state.why !== null) fields.why = state.why;
    if (state.rival !== null) fields.not = state.rival;
    return Object.entries(fields).map(([name, value]) => `${name}=${value}`).join("&");
  }

  /**
   * The state that an address describes. What makes no sense is left out, and the default stands:
   * unknown networks (`names` are the known ones), numbers out of range, broken strokes.
   */
  function readState(text, names) {
    const state = emptyState();
    if (names.length && !names.includes(state.net)) [state.net] = names;
    const fields = new Map(text.split("&").map((field) => field.split(/=(.*)/s).slice(0, 2)));
    if (names.includes(fields.get("net"))) state.net = fields.get("net");
    if (/^\d{1,4}$/.test(fields.get("digit") ?? "")) state.digit = Number(fields.get("digit"));
    if (fields.has("ink")) state.strokes = readStrokes(fields.get("ink") ?? "");
    state.centre = fields.get("centre") !== "0";
    for (const [name, [lowest, highest, , step]] of Object.entries(SLIDERS)) {
      const value = Number(fields.get(name) || NaN);
      if (value >= lowest && value <= highest) {
        state[name] = Number((Math.round(value / step) * step).toFixed(2));
      }
    }
    for (const [, layer, map] of (fields.get("off") ?? "").matchAll(/(conv[12])\.(\d{1,2})(?!\d)/g)) {
      if (Number(map) < (layer === "conv1" ? 20 : 40)) (state.off[layer] ??= new Set()).add(Number(map));
    }
    state.train = fields.get("train") === "1";
    const unit = /^([a-z]+\d?)\.(\d{1,3})\.(\d{1,2})\.(\d{1,2})$/.exec(fields.get("unit") ?? "");
    if (unit) {
      const [map, row, column] = unit.slice(2).map(Number);
      state.unit = { layer: unit[1], map, row, column };
    }
    if (/^\d$/.test(fields.get("why") ?? "")) state.why = Number(fields.get("why"));
    if (/^\d$/.test(fields.get("not") ?? "")) state.rival = Number(fields.get("not"));
    if (fields.get("not") === "none") state.rival = "none";
    return state;
  }

  /** The strokes of an address: none for an empty text; null, as before any, for a broken one. */
  function readStrokes(text) {
    if (text === "") return [];
    try {
      return text.length > LONGEST_INK ? null : text.split(".").map(readStroke);
    } catch {
      return null;
    }
  }

  Object.assign(globalThis.mnistconv, {
    SLIDERS, PEN, roundToGrid, emptyState, writeState, readState,
  });
})();

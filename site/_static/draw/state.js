// The state of the page, the one way to change it, and what the reader can do to the board.
//
// A state is never altered: `change` puts a new one in its place. What is on the screen is worked out
// from the state and from the files that have arrived, so nothing on it can be older than the state.
"use strict";

globalThis.mnistconv = globalThis.mnistconv ?? {};

(() => {
  const m = globalThis.mnistconv;
  const KEPT = 50; // boards that Undo remembers

  /** The state of a fresh page: that of the address, and what no address holds. */
  function freshState() {
    return {
      ...m.emptyState(),
      isHeld: false, // whether a click holds the unit, so that pointing elsewhere does not change it
      channel: null, // the channel that the panel shows, if one was chosen
      step: null, // the step of "Why 3, and not 5?" from which the panel was opened: the way back
      asked: 0, // how often the reader, or the clock, asked for a new answer in train mode
      isDrawing: false, // whether a stroke is under way
      cursor: { x: 14, y: 14, isShown: false }, // the keyboard's pen, in input pixels
      isComparing: false, // whether all networks answer
      by: "dx", // the slider along which they are compared
      right: null, // the digit that they are compared on; null for what the drawing shows
      picture: null, // a digit of a photo on the board, {ink, source}; no address holds it
      photo: null, // {name, width, height, data}: red, green, blue, alpha of each pixel
      turned: 0, // quarter turns of the photo, clockwise
      steps: { isWithoutPaper: true, isBlackWhite: true, isTidy: true, isInverted: true, isThick: true },
      wrote: "", // what the reader says stands in the photo
      reading: "", // the file that is being read
      refusal: "", // why the last file is no photo
      past: [], // the boards before this one, for Undo: {strokes, digit, picture}
    };
  }

  /** Holds the state; `change(fields)` is the one way to change it, and tells every listener. */
  function makeStore(first) {
    let state = Object.freeze({ ...first });
    const listeners = [];
    return {
      get state() {
        return state;
      },
      listen: (listener) => listeners.push(listener),
      change(fields) {
        const before = state;
        state = Object.freeze({ ...before, ...consequences(before, fields), ...fields });
        for (const listener of listeners) listener(state, before);
      },
    };
  }

  /** What follows from a change: the maps of another network are all on, channels belong to a layer, a way back to a unit. */
  function consequences(before, fields) {
    const more = {};
    if ("net" in fields && fields.net !== before.net) more.off = {};
    if ("unit" in fields && fields.unit?.layer !== before.unit?.layer) more.channel = null;
    if ("unit" in fields) more.step = null;
    if ("strokes" in fields || "digit" in fields) more.isDrawing = false;
    return more;
  }

  // The board: each gives the fields that change -------------------------------------------------------

  /** Puts `board`, {strokes, digit} or a picture, too, on the board; Undo brings back what was there. */
  function putOnBoard({ strokes, digit, picture, past }, board) {
    return { picture: null, ...board, past: [...past, { strokes, digit, picture }].slice(-KEPT) };
  }

  function beginStroke(state, point) {
    const stroke = { width: state.pen, points: [point] };
    const board = { strokes: [...(state.strokes ?? []), stroke], digit: null };
    return { ...putOnBoard(state, board), isDrawing: true };
  }

  /** The stroke under way goes on to `point`; nothing where there is none, or where it is there. */
  function continueStroke({ strokes, isDrawing }, point) {
    if (!isDrawing) return {};
    const stroke = strokes.at(-1);
    const [x, y] = stroke.points.at(-1);
    if (Math.hypot(point[0] - x, point[1] - y) < 0.3) return {};
    const longer = { ...stroke, points: [...stroke.points, point] };
    return { strokes: [...strokes.slice(0, -1), longer], isDrawing: true };
  }

  /** The board before this one; after a reload, when none is known, the board without its last stroke. */
  function undo({ past, strokes }) {
    if (past.length) return { ...past.at(-1), past: past.slice(0, -1) };
    return strokes?.length ? { strokes: strokes.slice(0, -1) } : {};
  }

  const isExample = ({ strokes, digit }) => strokes === null && digit === null;

  /** `make`, done anew only where one of its arguments is another than the last time. */
  function onlyAnew(make) {
    let last = null;
    let value;
    return (...given) => {
      if (!last || given.some((argument, i) => argument !== last[i])) value = make(...given);
      last = given;
      return value;
    };
  }

  Object.assign(m, {
    freshState, makeStore, putOnBoard, beginStroke, continueStroke, undo, isExample, onlyAnew,
  });
})();

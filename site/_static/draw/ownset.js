// Your own test set, without a browser: what is asked for and written, how it is counted, how it is kept.
//
// A set is {asked, written, at, isClosed}: the digits that are asked for, in order; the strokes of each
// (an empty list: not written); the place of the one that stands on the board, the number of digits
// when all are done; and whether it has been counted, after which nothing in it changes any more.
// Answers to a set are a list, too: what was read at each place, null where nothing was written.
"use strict";

globalThis.mnistconv = globalThis.mnistconv ?? {};

(() => {
  const m = globalThis.mnistconv;
  const DIGITS = Array.from({ length: 10 }, (_, digit) => digit);
  const TIMES = 2; // each digit
  const MOST = 40; // digits that a file may ask for
  const Z = 1.959963984540054; // 95 % of a normal distribution lie within Z standard deviations
  const KIND = "Draw a digit: own test set";

  // Writing -----------------------------------------------------------------------------------------

  function shuffled(values, random) {
    const result = [...values];
    for (let i = result.length - 1; i > 0; i--) {
      const j = Math.floor(random() * (i + 1));
      [result[i], result[j]] = [result[j], result[i]];
    }
    return result;
  }

  /** An empty set: 0 to 9 in a shuffled order, and once more. */
  function newSet(random = Math.random) {
    const asked = Array.from({ length: TIMES }, () => shuffled(DIGITS, random)).flat();
    return { asked, written: asked.map(() => []), at: 0, isClosed: false };
  }

  const strokesOf = ({ written, at }) => written[at] ?? [];
  const countWritten = ({ written }) => written.filter((strokes) => strokes.length).length;
  const takesInk = ({ asked, at, isClosed }) => !isClosed && at < asked.length;

  const putStrokes = (set, strokes) => ({ ...set, written: set.written.with(set.at, strokes) });
  const goTo = (set, at) => ({ ...set, at: Math.min(set.asked.length, Math.max(0, at)) });

  // The state of the page: each gives the fields that change --------------------------------------------

  const EMPTY_SHEET = { pen: m.PEN[2], digit: null, past: [], cursor: { x: 14, y: 14, isShown: false }, isDrawing: false };

  function freshOwn() {
    return {
      own: newSet(),
      sheet: EMPTY_SHEET, // the board of the set, but for its strokes: pen, cursor, what Undo remembers
      ownBefore: null, // the set that was deleted or replaced last, so that it can be brought back
      ownNote: "", // what the last action of the reader led to
      isKept: true, // whether the browser keeps the set
      readings: {}, // of each network that was asked: {centred, asWritten}, answers; null if it is missing
      counting: null, // the network that is being asked
    };
  }

  /** Another set in place of this one. */
  function replaceSet({ own, ownBefore }, set, ownNote) {
    const before = countWritten(own) ? own : ownBefore;
    return { own: set, ownBefore: before, ownNote, sheet: EMPTY_SHEET, readings: {}, counting: null };
  }

  function turnTo({ own, sheet }, at) {
    return { own: goTo(own, at), sheet: { ...EMPTY_SHEET, cursor: sheet.cursor }, ownNote: "" };
  }

  /** Hands in what is on the board, and asks for the next digit. */
  function handIn(state) {
    const { own } = state;
    if (!takesInk(own)) return {};
    const asked = m.aDigit(own.asked[own.at]);
    if (!strokesOf(own).length) return { ownNote: `Nothing is written yet: write ${asked}, or skip it.` };
    return turnTo(state, own.at + 1);
  }

  /** Leaves this digit out, and asks for the next one. */
  function skip(state) {
    return takesInk(state.own) ? turnTo({ ...state, own: putStrokes(state.own, []) }, state.own.at + 1) : {};
  }

  /** The one before, with what was written, to mend it. */
  const goBack = (state) => turnTo(state, state.own.at - 1);

  /** Closes the set: from now on nothing in it changes. */
  function closeSet({ own }) {
    if (!countWritten(own)) return { ownNote: "Nothing is written yet: there is nothing to count." };
    return { own: own.isClosed ? own : { ...own, isClosed: true }, ownNote: "" };
  }

  // Counting ----------------------------------------------------------------------------------------

  /** The 95 % interval of a share of `right` in `n`, as fractions [low, high] (Wilson, 1927). */
  function wilson(right, n) {
    const p = right / n;
    const square = Z ** 2 / n;
    const centre = (p + square / 2) / (1 + square);
    const reach = (Math.sqrt((p * (1 - p)) / n + (square / n) / 4) * Z) / (1 + square);
    return [right === 0 ? 0 : centre - reach, right === n ? 1 : centre + reach];
  }

  /** How likely `k` or more of `n` things are, each of the chance `p`, below 1. */
  function tailChance(k, n, p) {
    let chance = (1 - p) ** n; // of exactly i
    let fewer = 0;
    for (let i = 0; i < k; i++) {
      fewer += chance;
      chance *= ((n - i) / (i + 1)) * (p / (1 - p));
    }
    return 1 - fewer;
  }

  /** McNemar's exact p: how often a fair coin divides these digits at least as unevenly. */
  function mcnemar(onlyFirst, onlySecond) {
    return Math.min(1, 2 * tailChance(Math.max(onlyFirst, onlySecond), onlyFirst + onlySecond, 0.5));
  }

  /** How many were read as asked, and out of how many. */
  function countRight(asked, read) {
    return { right: read.filter((digit, i) => digit === asked[i]).length, n: read.filter((d) => d !== null).length };
  }

  /** The confusion matrix: `[asked][read]` says how often. */
  function confusionOf(asked, read) {
    const counts = DIGITS.map(() => DIGITS.map(() => 0));
    read.forEach((digit, i) => digit !== null && (counts[asked[i]][digit] += 1));
    return counts;
  }

  /** On how many digits two lists of answers differ, and on how many one of them alone is right. */
  function compareAnswers(asked, first, second) {
    const count = (holds) => asked.filter((digit, i) => holds(first[i] === digit, second[i] === digit, i)).length;
    return {
      differ: count((a, b, i) => first[i] !== second[i]),
      onlyFirst: count((a, b) => a && !b),
      onlySecond: count((a, b) => !a && b),
    };
  }

  /** The places of what was read as another digit. */
  const misreadOf = (asked, read) => [...asked.keys()].filter((i) => read[i] !== null && read[i] !== asked[i]);

  const UNDISTURBED = Object.fromEntries(Object.entries(m.SLIDERS).map(([name, [, , rest]]) => [name, rest]));
  const AS_COUNTED = { ...UNDISTURBED, off: {}, train: false };

  /** What a network gets of these strokes in the count: nothing else than centring is done to them. */
  const pictureOfStrokes = (strokes, centre) => m.pictureOf(m.drawStrokes(strokes), { ...UNDISTURBED, centre });

  /** Puts one digit of the set on the main board, answered as it was counted; Undo brings all back. */
  function inspect(state, strokes) {
    const before = Object.fromEntries(Object.keys(AS_COUNTED).map((name) => [name, state[name]]));
    const { past, ...board } = m.putOnBoard(state, { strokes, digit: null, ...AS_COUNTED });
    return { ...board, past: past.with(-1, { ...past.at(-1), ...before }) };
  }

  // Keeping -----------------------------------------------------------------------------------------

  const rounded = ([x, y]) => [Number(x.toFixed(2)), Number(y.toFixed(2))];

  /** A set as text (JSON): points are [x, y] from the upper left, the board is 28 wide and high. */
  function writeSet({ asked, written, at, isClosed }) {
    const drawings = written.map((strokes) => strokes.map(({ width, points }) => ({ width, points: points.map(rounded) })));
    return JSON.stringify({ kind: KIND, version: 1, asked, written: drawings, at, isClosed });
  }

  const isDigit = (value) => DIGITS.includes(value);
  const isWithin = (value, lowest, highest) => typeof value === "number" && value >= lowest && value <= highest;
  const isPoint = (point) => Array.isArray(point) && point.length === 2 && point.every((v) => isWithin(v, 0, m.SIDE));
  const isStroke = (stroke) =>
    isWithin(stroke?.width, ...m.PEN.slice(0, 2)) && Array.isArray(stroke.points) && stroke.points.length > 0
    && stroke.points.every(isPoint);
  const isDrawing = (strokes) => Array.isArray(strokes) && strokes.every(isStroke);

  /** The set that `writeSet` wrote. Throws, with a reason for the reader, when the text is none. */
  function readSet(text) {
    const found = parse(text);
    if (found?.kind !== KIND) throw new Error("it is no test set of this page");
    const { version, asked, written, at, isClosed } = found;
    if (version !== 1) throw new Error("it is of a later version of this page");
    const isList = Array.isArray(asked) && asked.length > 0 && asked.length <= MOST && asked.every(isDigit);
    if (!isList) throw new Error(`it does not ask for 1 to ${MOST} digits`);
    const isWhole = Array.isArray(written) && written.length === asked.length && written.every(isDrawing);
    if (!isWhole) throw new Error("one of its drawings is damaged");
    const strokes = written.map((drawing) => drawing.map(readStroke));
    const place = Number.isInteger(at) ? at : 0;
    return goTo({ asked, written: strokes, isClosed: isClosed === true }, place);
  }

  function parse(text) {
    try {
      return JSON.parse(text);
    } catch {
      throw new Error("it is no JSON, or not all of it");
    }
  }

  const readStroke = ({ width, points }) => ({ width, points: points.map((point) => point.map(m.roundToGrid)) });

  Object.assign(m, {
    newSet, strokesOf, countWritten, takesInk, putStrokes, freshOwn, replaceSet, handIn, skip, goBack, closeSet,
    wilson, tailChance, mcnemar, countRight, confusionOf, compareAnswers, misreadOf, pictureOfStrokes, inspect, writeSet, readSet,
  });
})();

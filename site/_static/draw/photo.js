// From a photo of handwriting to one image a digit: light evened out, ink found, pieces put together.
//
// An image is {width, height, data} as in prepare.js; of a photo, 1 is white. Ink is an image, too: how
// much darker than the paper around it a pixel is (on a blackboard: lighter), as a share, 1 at most.
"use strict";

globalThis.mnistconv = globalThis.mnistconv ?? {};

(() => {
  const m = globalThis.mnistconv;
  const LONGEST = 1200; // pixels of a photo's longer side that are kept
  const COARSE = 72; // pixels of the longer side on which the paper is estimated
  const REACH = 7; // of the median there: a window of a fifth of the photo is more paper than ink
  const BLACK = 0.03; // added to both sides of a ratio: in the dark there is little but noise
  const FAINTEST = 0.08; // ink below this share is none: an empty page has no threshold of its own
  const NOISES = 4; // how many standard deviations of the paper ink stands out by
  const BINS = 256;
  const SMALLEST = 0.012; // of the photo's longer side: what is smaller is a speck
  const RIM = 0.05; // around a digit that is cut out, in its longer sides
  const STROKE = 0.14; // MNIST's: the median over 3,000 training digits, in their longer sides
  const MOST_DIGITS = 100;

  // Light -----------------------------------------------------------------------------------------

  /** The size at which a photo of `width` by `height` is worked on: never larger than it is. */
  function workingSize(width, height) {
    const scale = Math.min(1, LONGEST / Math.max(width, height));
    return [width, height].map((length) => Math.max(1, Math.round(length * scale)));
  }

  /** The pixels, one number each, turned clockwise by a quarter. */
  function quarterTurn({ width, height, data }) {
    const turned = new data.constructor(data.length);
    for (let y = 0; y < height; y++) {
      for (let x = 0; x < width; x++) turned[x * height + height - 1 - y] = data[y * width + x];
    }
    return { width: height, height: width, data: turned };
  }

  /**
   * Pixels {width, height, data}, data red, green, blue, alpha in turn, as grey. What is transparent
   * is taken for paper: white, or black where what is drawn is light.
   */
  function greyOf({ width, height, data }) {
    const grey = new Float32Array(width * height);
    let [sum, cover] = [0, 0];
    for (let i = 0; i < grey.length; i++) {
      const alpha = data[4 * i + 3] / 255;
      grey[i] = (alpha * (0.299 * data[4 * i] + 0.587 * data[4 * i + 1] + 0.114 * data[4 * i + 2])) / 255;
      sum += grey[i];
      cover += alpha;
    }
    const paper = sum < cover / 2 ? 1 : 0;
    for (let i = 0; i < grey.length; i++) grey[i] += (1 - data[4 * i + 3] / 255) * paper;
    return { width, height, data: grey };
  }

  /** The image, each pixel mixed with its neighbours (1 2 1 in both directions) against noise. */
  function smooth({ width, height, data }) {
    const mixed = new Float32Array(data.length);
    const result = new Float32Array(data.length);
    for (let y = 0; y < height; y++) {
      for (let x = 0; x < width; x++) {
        const i = y * width + x;
        mixed[i] = (data[x ? i - 1 : i] + 2 * data[i] + data[x < width - 1 ? i + 1 : i]) / 4;
      }
    }
    for (let y = 0; y < height; y++) {
      for (let x = 0; x < width; x++) {
        const i = y * width + x;
        result[i] = (mixed[y ? i - width : i] + 2 * mixed[i] + mixed[y < height - 1 ? i + width : i]) / 4;
      }
    }
    return { width, height, data: result };
  }

  /** The median around each pixel, in a square of `reach` pixels to each side; at an edge what is there of it. */
  function medianOf({ width, height, data }, reach) {
    const result = new Float32Array(data.length);
    for (let y = 0; y < height; y++) {
      const [top, bottom] = [Math.max(0, y - reach), Math.min(height - 1, y + reach)];
      for (let x = 0; x < width; x++) {
        const [left, right] = [Math.max(0, x - reach), Math.min(width - 1, x + reach)];
        const across = right - left + 1;
        const around = new Float32Array(across * (bottom - top + 1));
        for (let row = top; row <= bottom; row++) {
          around.set(data.subarray(row * width + left, row * width + right + 1), (row - top) * across);
        }
        result[y * width + x] = around.sort()[around.length >> 1];
      }
    }
    return { width, height, data: result };
  }

  /** The photo without its ink: paper, shadow, the light of a lamp. Worked out small, and enlarged. */
  function paperOf(grey) {
    const scale = Math.min(1, COARSE / Math.max(grey.width, grey.height));
    const [width, height] = [grey.width, grey.height].map((length) => Math.max(1, Math.round(length * scale)));
    return m.resize(medianOf(m.resize(grey, width, height), REACH), grey.width, grey.height);
  }

  /** Whether what stands out from the paper is lighter than it: chalk on a blackboard. */
  function isLightOnDark(grey, paper) {
    return grey.data.reduce((sum, value, i) => sum + (value - paper.data[i]) ** 3, 0) > 0;
  }

  /**
   * How far each pixel stands out from `paper`: as a share, so that it is the same in light and shadow.
   * Without paper the photo as it is, or its negative.
   */
  function inkOfPhoto(grey, paper, isLight) {
    if (!paper) return { ...grey, data: grey.data.map((value) => (isLight ? value : 1 - value)) };
    const data = grey.data.map((value, i) => {
      const [light, dark] = isLight ? [value, paper.data[i]] : [paper.data[i], value];
      return 1 - (dark + BLACK) / (light + BLACK);
    });
    return { ...grey, data };
  }

  // Ink or not --------------------------------------------------------------------------------------

  /** The standard deviation of the paper: from the median distance to 0, which little ink hardly moves. */
  function noiseOf({ data }) {
    const distances = Float32Array.from({ length: Math.ceil(data.length / 16) }, (_, i) => Math.abs(data[16 * i]));
    return 1.4826 * distances.sort()[distances.length >> 1];
  }

  /**
   * Otsu's threshold of those `values` that are above `lowest`: the border of two classes whose means are
   * as far apart as can be, each weighted by its size. `lowest` where there are none.
   */
  function otsu(values, lowest) {
    const counts = new Float64Array(BINS);
    const width = (1 - lowest) / BINS;
    let [count, sum] = [0, 0];
    for (const value of values) {
      if (value <= lowest) continue;
      const bin = Math.min(BINS - 1, Math.floor((value - lowest) / width));
      counts[bin] += 1;
      count += 1;
      sum += bin;
    }
    let [below, sumBelow, best, border] = [0, 0, 0, 0];
    for (let bin = 0; bin < BINS - 1; bin++) {
      below += counts[bin];
      sumBelow += bin * counts[bin];
      const above = count - below;
      if (!below || !above) continue;
      const between = below * above * (sumBelow / below - (sum - sumBelow) / above) ** 2;
      if (between > best) [best, border] = [between, bin + 1];
    }
    return lowest + border * width;
  }

  /** The share from which on ink is ink: Otsu's threshold of what stands out from the paper's noise. */
  function thresholdOf(ink) {
    return otsu(ink.data, Math.max(FAINTEST, Math.min(0.9, NOISES * noiseOf(ink))));
  }

  // Pieces ------------------------------------------------------------------------------------------

  /**
   * The connected pieces of the pixels above `threshold`, corners count: {labels, pieces}. `labels` has the
   * number of each pixel's piece, from 1, and 0 for paper; a piece is {left, top, right, bottom, area},
   * in pixels, the last ones included. With `gap` 1 pieces count as connected across 2 pixels of paper.
   */
  function piecesOf({ width, height, data }, threshold, gap = 0) {
    const labels = new Int32Array(data.length);
    const pieces = [];
    const waiting = [];
    const reach = 1 + 2 * gap;
    const visit = (place) => {
      labels[place] = pieces.length;
      waiting.push(place);
    };
    data.forEach((value, start) => {
      if (value <= threshold || labels[start]) return;
      const piece = { left: width, top: height, right: 0, bottom: 0, area: 0 };
      pieces.push(piece);
      visit(start);
      while (waiting.length) {
        const place = waiting.pop();
        const [x, y] = [place % width, Math.floor(place / width)];
        piece.left = Math.min(piece.left, x);
        piece.right = Math.max(piece.right, x);
        piece.top = Math.min(piece.top, y);
        piece.bottom = Math.max(piece.bottom, y);
        piece.area += 1;
        for (let row = Math.max(0, y - reach); row <= Math.min(height - 1, y + reach); row++) {
          for (let column = Math.max(0, x - reach); column <= Math.min(width - 1, x + reach); column++) {
            const near = row * width + column;
            if (data[near] > threshold && !labels[near]) visit(near);
          }
        }
      }
    });
    return { labels, pieces };
  }

  const widthOf = ({ left, right }) => right - left + 1;
  const heightOf = ({ top, bottom }) => bottom - top + 1;
  const longerSide = (box) => Math.max(widthOf(box), heightOf(box));

  const NOTHING = { left: 0, right: -1, top: 0, bottom: -1 };
  const shorterSide = (box) => Math.min(widthOf(box), heightOf(box));

  /** The median of the longer sides, each weighted by its box: specks and lines hardly count. */
  function usualHeight(pieces) {
    const boxes = [...pieces].sort((a, b) => longerSide(a) - longerSide(b));
    const weight = (box) => widthOf(box) * heightOf(box);
    let rest = boxes.reduce((sum, box) => sum + weight(box), 0) / 2;
    return longerSide(boxes.find((box) => (rest -= weight(box)) <= 0) ?? NOTHING);
  }

  /** How much of the shorter of two stretches [from, to] lies within the other, as a share; below 0 apart. */
  function overlap([from, to], [otherFrom, otherTo]) {
    const shared = Math.min(to, otherTo) - Math.max(from, otherFrom) + 1;
    return shared / Math.min(to - from + 1, otherTo - otherFrom + 1);
  }

  const across = ({ left, right }) => [left, right];
  const down = ({ top, bottom }) => [top, bottom];

  /**
   * Whether two pieces are strokes of one digit: one lies mostly within the other's box, or a small one,
   * like the bar of a 5, close above or below the other. `usual` is a digit's height.
   */
  function belongTogether(a, b, usual) {
    const both = bothBoxes(a, b);
    if (widthOf(both) > 1.3 * usual || heightOf(both) > 1.6 * usual) return false;
    const sideways = overlap(across(a), across(b));
    if (sideways > 0.6 && overlap(down(a), down(b)) > 0.6) return true;
    const gap = Math.max(a.top, b.top) - Math.min(a.bottom, b.bottom);
    const small = Math.min(heightOf(a), heightOf(b));
    return sideways > 0.5 && gap < 0.25 * usual && small < 0.6 * usual;
  }

  function bothBoxes(a, b) {
    return {
      left: Math.min(a.left, b.left), right: Math.max(a.right, b.right),
      top: Math.min(a.top, b.top), bottom: Math.max(a.bottom, b.bottom),
    };
  }

  const joined = (a, b) => ({ ...bothBoxes(a, b), area: a.area + b.area, labels: [...a.labels, ...b.labels] });

  /** The pieces, those that belong together as one. */
  function join(pieces, usual) {
    const result = [];
    for (const piece of [...pieces].sort((a, b) => b.area - a.area)) {
      const place = result.findIndex((other) => belongTogether(piece, other, usual));
      if (place < 0) result.push(piece);
      else result[place] = joined(result[place], piece);
    }
    return result;
  }

  /** Digits in reading order, in rows: a row goes on where the next digit stands at its last one's height. */
  function inRows(digits) {
    const middle = ({ top, bottom }) => (top + bottom) / 2;
    const rows = [];
    for (const digit of [...digits].sort((a, b) => a.left - b.left)) {
      const distance = (row) => Math.abs(middle(row.at(-1)) - middle(digit));
      const reach = (row) => 0.6 * Math.max(heightOf(row.at(-1)), heightOf(digit));
      const [row] = rows.filter((one) => distance(one) < reach(one)).sort((a, b) => distance(a) - distance(b));
      if (row) row.push(digit);
      else rows.push([digit]);
    }
    return rows.sort((a, b) => middle(a[0]) - middle(b[0]));
  }

  /**
   * Which pieces of a photo of `size` {width, height} are digits: {rows, leftOut}. A digit is a piece with
   * its `labels`, `isWide` where it may be two that touch. `leftOut` counts what is none: specks, lines,
   * dashes, and what the photo's edge cuts. With `isTidy` false every piece is a digit.
   */
  function digitsOf(pieces, size, isTidy = true) {
    const all = pieces.map((piece, i) => ({ ...piece, labels: [i + 1] }));
    const leftOut = { edge: 0, lines: 0, specks: 0, dashes: 0, more: 0 };
    const without = (kind, some, isOne) => {
      const rest = some.filter((piece) => !isOne(piece));
      leftOut[kind] += some.length - rest.length;
      return rest;
    };
    const longest = Math.max(size.width, size.height);
    const isCut = (p) => p.left === 0 || p.top === 0 || p.right === size.width - 1 || p.bottom === size.height - 1;
    const isLong = (piece) => widthOf(piece) > 0.5 * size.width || heightOf(piece) > 0.5 * size.height;
    const isLine = (piece) => isLong(piece) && shorterSide(piece) < longerSide(piece) / 6;
    let found = all;
    if (isTidy) {
      found = without("specks", found, (piece) => longerSide(piece) < SMALLEST * longest);
      found = without("edge", found, isCut);
      found = without("lines", found, isLine);
      const usual = usualHeight(found);
      found = without("lines", join(found, usual), (piece) => longerSide(piece) > 2.5 * usual);
      found = without("dashes", found, (piece) => widthOf(piece) > 2.5 * heightOf(piece));
      found = without("specks", found, (piece) => longerSide(piece) < 0.4 * usual);
    }
    const rows = inRows(found.map((piece) => ({ ...piece, isWide: widthOf(piece) > 1.3 * heightOf(piece) })));
    const kept = rows.flat().slice(0, MOST_DIGITS);
    leftOut.more = found.length - kept.length;
    return { rows: rows.map((row) => row.filter((digit) => kept.includes(digit))).filter((row) => row.length), leftOut };
  }

  // One digit ---------------------------------------------------------------------------------------

  /** The middle of a square around a digit, its longer side and a rim: {left, top, side}. */
  function squareAround(digit, rim) {
    const side = longerSide(digit) + 2 * rim;
    return {
      left: Math.round((digit.left + digit.right + 1 - side) / 2),
      top: Math.round((digit.top + digit.bottom + 1 - side) / 2),
      side,
    };
  }

  /** The pixels of a square of the photo's ink for which `valueAt(place)` gives the value; none outside. */
  function cutSquare({ width, height }, { left, top, side }, valueAt) {
    const data = new Float32Array(side * side);
    for (let y = Math.max(0, -top); y < Math.min(side, height - top); y++) {
      for (let x = Math.max(0, -left); x < Math.min(side, width - left); x++) {
        data[y * side + x] = valueAt((top + y) * width + left + x);
      }
    }
    return { width: side, height: side, data };
  }

  /** How wide the strokes of a square of 0 and 1 are, in pixels: twice the area over the length of the outline. */
  function strokeWidth({ width, data }) {
    let [area, outline] = [0, 0];
    data.forEach((value, i) => {
      if (!value) return;
      area += 1;
      if (![i - 1, i + 1, i - width, i + width].every((near) => data[near])) outline += 1;
    });
    return outline ? (2 * area) / outline : 0;
  }

  /** The image with its strokes thicker by `radius` to each side: a pixel takes the most ink around it. */
  function thicken({ width, height, data }, radius) {
    const result = data.slice();
    const reach = Math.floor(radius);
    data.forEach((value, i) => {
      if (value <= 0) return;
      const [x, y] = [i % width, Math.floor(i / width)];
      for (let dy = Math.max(-reach, -y); dy <= Math.min(reach, height - 1 - y); dy++) {
        for (let dx = Math.max(-reach, -x); dx <= Math.min(reach, width - 1 - x); dx++) {
          const near = i + dy * width + dx;
          if (dx * dx + dy * dy <= radius * radius && result[near] < value) result[near] = value;
        }
      }
    });
    return { width, height, data: result };
  }

  /**
   * A digit cut out of a photo, as ink: a square image. `steps` says how: `isBlackWhite` 1 where the digit's
   * own pieces are, 0 elsewhere, else all shades of the photo there; `isThick` strokes as wide as MNIST's at
   * least; `isInverted` light on dark, else as on paper.
   */
  function cutOut(ink, labels, digit, { isBlackWhite = true, isThick = true, isInverted = true } = {}) {
    const own = new Set(digit.labels);
    const isOwn = (place) => (own.has(labels[place]) ? 1 : 0);
    const shade = (place) => Math.max(0, ink.data[place]);
    const length = longerSide(digit);
    const stroke = strokeWidth(cutSquare(ink, squareAround(digit, 1), isOwn));
    const radius = isThick ? Math.max(0, (STROKE * length - stroke) / 2) : 0;
    const square = squareAround(digit, Math.ceil(RIM * length + radius));
    const cut = thicken(cutSquare(ink, square, isBlackWhite ? isOwn : shade), radius);
    return isInverted ? cut : { ...cut, data: cut.data.map((value) => 1 - value) };
  }

  Object.assign(m, {
    workingSize, quarterTurn, greyOf, smooth, medianOf, paperOf, isLightOnDark, inkOfPhoto, otsu, thresholdOf,
    piecesOf, digitsOf, cutOut, thicken, MOST_DIGITS,
  });
})();

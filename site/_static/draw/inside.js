// What a logit is made of: products followed back to the pixels, and pixels wiped out. `inside.py` of
// the package defines the same, and says why.
//
// It asks about one number, {digit, rival}: the logit of `digit`, less that of `rival` unless it is null.
"use strict";

globalThis.mnistconv = globalThis.mnistconv ?? {};

(() => {
  const { KERNEL, SIDE, argmax, forward, largest, seenBy } = globalThis.mnistconv;
  const PATCH = 5; // pixels a side that are wiped out
  const PATHS = 3;

  const sumOf = (numbers) => numbers.reduce((a, b) => a + b, 0);

  /** The number that a state asks about: unless it says otherwise, that of the answer less the runner-up's. */
  function questionOf({ why, rival }, logits) {
    const digit = why ?? argmax(logits);
    if (rival === "none") return { digit, rival: null };
    const others = logits.map((z, i) => (i === digit ? -Infinity : z));
    return { digit, rival: rival === null || rival === digit ? argmax(others) : rival };
  }

  const numberOf = ({ digit, rival }, logits) => logits[digit] - (rival === null ? 0 : logits[rival]);

  // Products ----------------------------------------------------------------------------------------
  //
  // Slopes of a layer: by how much the number grows for each unit of its values, along the paths that
  // are followed; an activation counts as a straight line from its value at 0 to the one that it has.

  function slopesOfLogits({ digit, rival }) {
    const slopes = new Float64Array(10);
    slopes[digit] = 1;
    if (rival !== null) slopes[rival] = -1;
    return slopes;
  }

  const LINES = {
    relu: () => 1,
    sigmoid: (z) => (z === 0 ? 1 / 4 : Math.tanh(z / 2) / (2 * z)), // (sigmoid(z) - 1/2) / z
  };

  /** The slope of a unit's line. A value of 0, ReLU's or of a map that is off, passes nothing on. */
  function lineOf({ activation, values, before }, unit) {
    if (!activation) return 1;
    return values[unit] === 0 ? 0 : LINES[activation](before[unit]);
  }

  /** Calls `spread(unit, slope)` for each unit of `result` that counts, with the slope of its sum. */
  function eachSlope(result, slopes, spread) {
    slopes.forEach((slope, unit) => {
      if (slope) spread(unit, slope * lineOf(result, unit));
    });
  }

  const BACK = {
    dense(network, results, result, slopes, below) {
      const { shape, values } = network.weights[`${result.name}.weight`];
      eachSlope(result, slopes, (unit, slope) => {
        for (let i = 0; i < shape[1]; i++) below[i] += slope * values[unit * shape[1] + i];
      });
    },
    dropout(network, results, result, slopes, below) {
      below.set(slopes);
    },
    pool(network, results, result, slopes, below) {
      const size = result.side ** 2;
      eachSlope(result, slopes, (unit, slope) => {
        const [map, place] = [Math.floor(unit / size), unit % size];
        const winner = largest(results[result.from], map, Math.floor(place / result.side), place % result.side);
        below[winner] += slope;
      });
    },
    conv(network, results, result, slopes, below) {
      const input = results[result.from];
      const weight = network.weights[`${result.name}.weight`].values;
      const size = result.side ** 2;
      eachSlope(result, slopes, (unit, slope) => {
        const [row, column] = [Math.floor((unit % size) / result.side), unit % result.side];
        let w = Math.floor(unit / size) * input.maps * KERNEL * KERNEL;
        for (let channel = 0; channel < input.maps; channel++) {
          for (let i = 0; i < KERNEL; i++) {
            const first = (channel * input.side + row + i) * input.side + column;
            for (let j = 0; j < KERNEL; j++) below[first + j] += slope * weight[w++];
          }
        }
      });
    },
  };

  /** The slopes of the layer that `result` reads, from its own. */
  function back(network, results, result, slopes) {
    const below = new Float64Array(results[result.from].values.length);
    BACK[result.kind](network, results, result, slopes, below);
    return below;
  }

  /** The layers from the logits down to the picture. */
  function downwards(results) {
    const layers = [results.out];
    while (layers.at(-1).from) layers.push(results[layers.at(-1).from]);
    return layers;
  }

  const contributionsOf = (result, slopes) => slopes.map((slope, i) => slope * result.values[i]);

  /** The places of the `count` largest numbers by absolute value, largest first. */
  function strongestOf(numbers, count) {
    const places = [...numbers.keys()].sort((a, b) => Math.abs(numbers[b]) - Math.abs(numbers[a]));
    return places.slice(0, count);
  }

  function unitOf({ name, side }, place) {
    const [map, rest] = [Math.floor(place / side ** 2), place % side ** 2];
    return { layer: name, map, row: Math.floor(rest / side), column: rest % side };
  }

  /**
   * What each pixel contributes to the number over all paths (784 numbers). What the number is beyond
   * their sum is there without any input: the biases, and a sigmoid's half.
   */
  function pixelProducts(network, results, question) {
    let slopes = slopesOfLogits(question);
    for (const result of downwards(results)) {
      if (!result.from) return contributionsOf(result, slopes);
      slopes = back(network, results, result, slopes);
    }
  }

  /**
   * The largest products that add up to the number, `bias`, and the `others`; and of each its path, by
   * the largest product at every layer, down to the pixels: {steps, pixels, window}. A step is
   * {unit, contribution}; of a convolution it is the winner of the pooling, without its constant part.
   * The path ends in 25 pixels: `pixels` [{place, contribution}], `window` {row, column, size}.
   */
  function trace(network, results, question, count = PATHS) {
    const [out, ...below] = downwards(results);
    const slopes = back(network, results, out, slopesOfLogits(question));
    const products = contributionsOf(results[out.from], slopes);
    const first = strongestOf(products, count);
    const paths = first.map((place) => {
      const only = new Float64Array(slopes.length);
      only[place] = slopes[place];
      return follow(network, results, below, only);
    });
    const bias = numberOf(question, network.weights["out.bias"].values);
    const shown = sumOf(first.map((place) => products[place]));
    return { number: numberOf(question, out.values), bias, shown, others: sumOf(products) - shown, inputs: products.length, paths };
  }

  function placesIn({ row, column, size }) {
    return Array.from({ length: size * size }, (_, i) => (row + Math.floor(i / size)) * SIDE + column + (i % size));
  }

  /** The path from the one unit that has a slope, in the first of `layers`, to the last, the picture. */
  function follow(network, results, layers, slopes) {
    const steps = [];
    for (const result of layers) {
      if (!result.from) {
        const { unit } = steps.at(-1);
        const contributions = contributionsOf(result, slopes);
        const window = seenBy(results, unit);
        const pixels = placesIn(window).map((place) => ({ place, contribution: contributions[place] }));
        return { steps, window, pixels };
      }
      const contributions = contributionsOf(result, slopes);
      const [place] = strongestOf(contributions, 1);
      if (result.kind !== "dropout") steps.push({ unit: unitOf(result, place), contribution: contributions[place] });
      const only = new Float64Array(slopes.length);
      only[place] = slopes[place];
      slopes = back(network, results, result, only);
    }
  }

  /** How many paths lead from a pixel to a logit, through the winners of the pooling. */
  function countPaths(results) {
    return downwards(results).reduce((count, { kind, from }) => {
      if (kind === "dense") return count * results[from].values.length;
      return kind === "conv" ? count * results[from].maps * KERNEL * KERNEL : count;
    }, 1);
  }

  // Pixels wiped out ----------------------------------------------------------------------------------

  /** The places of the pixels around a pixel that are wiped out with it: fewer at the edge. */
  function patchAround(place, patch = PATCH) {
    const reach = (patch - 1) / 2;
    const [row, column] = [Math.floor(place / SIDE), place % SIDE];
    const around = (at) => Array.from({ length: patch }, (_, i) => at - reach + i).filter((v) => v >= 0 && v < SIDE);
    return around(row).flatMap((y) => around(column).map((x) => y * SIDE + x));
  }

  /** How far the number falls when the patch around a pixel is background, 0. */
  function fallAt(network, picture, off, question, number, place, patch = PATCH) {
    const places = patchAround(place, patch);
    if (places.every((at) => picture[at] === 0)) return 0;
    const wiped = picture.slice();
    for (const at of places) wiped[at] = 0;
    return number - numberOf(question, forward(network, wiped, { off }).out.values);
  }

  /**
   * Where products and falls are most at odds: the pixel whose fall differs most from what the products
   * of its patch add up to, {place, products, fall}.
   */
  function mostAtOdds(products, falls) {
    const sums = Array.from(products, (_, place) => sumOf(patchAround(place).map((at) => products[at])));
    const gaps = sums.map((sum, place) => falls[place] - sum);
    const [place] = strongestOf(gaps, 1);
    return { place, products: sums[place], fall: falls[place] };
  }

  Object.assign(globalThis.mnistconv, {
    questionOf, numberOf, pixelProducts, trace, countPaths, patchAround, fallAt, mostAtOdds,
  });
})();

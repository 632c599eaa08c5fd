// Why a unit has its value: the window that it sees, the products, the sum, the activation.
"use strict";

globalThis.mnistconv = globalThis.mnistconv ?? {};

(() => {
  const { KERNEL, largest } = globalThis.mnistconv;

  /** The block of `size` x `size` values of a map whose upper left corner is (row, column). */
  function windowOf(result, map, row, column, size) {
    return Array.from({ length: size * size }, (_, i) => {
      const y = row + Math.floor(i / size);
      const x = column + (i % size);
      return result.values[(map * result.side + y) * result.side + x];
    });
  }

  const sumOf = (numbers) => Array.from(numbers).reduce((a, b) => a + b, 0);

  /**
   * The answer for one unit of one layer of what `forward` computed. Each answer has `value` and
   * `kind`, and by kind
   *   conv: `channels` [{window, kernel, products, sum}], `bias`; value = all sums + bias
   *   pool: `window` (4 values), `best` (0 to 3), `before` = the largest of them, `activation`
   *   dense: `parts` [{unit, input, weight, product}], `bias`, `before` = all products + bias
   *   softmax: `logits`, `powers` (exponentials of logits minus the largest), `total`
   * Throws when there is no such unit.
   */
  function explain(network, results, { layer, map, row = 0, column = 0 }) {
    if (!exists(results, { layer, map, row, column })) {
      throw new Error(`no unit ${layer} ${map} ${row} ${column}`);
    }
    const result = results[layer];
    const input = results[result.from];
    const value = result.values[(map * result.side + row) * result.side + column];
    const answer = EXPLANATIONS[result.kind]({ network, result, input, map, row, column });
    return { kind: result.kind, value, activation: result.activation, ...answer };
  }

  function exists(results, { layer, map, row, column }) {
    const result = results[layer];
    const isInside = map < result?.maps && row < result?.side && column < result?.side;
    return isInside && result.kind in EXPLANATIONS;
  }

  /** Whether there is such a unit, and it is one that the panel can show: dropout's are not. */
  function canExplain(results, unit) {
    return exists(results, unit) && results[unit.layer].kind !== "dropout";
  }

  function conv({ network, result, input, map, row, column }) {
    const weight = network.weights[`${result.name}.weight`].values;
    const channels = Array.from({ length: input.maps }, (_, channel) => {
      const start = (map * input.maps + channel) * KERNEL * KERNEL;
      const kernel = Array.from(weight.subarray(start, start + KERNEL * KERNEL));
      const window = windowOf(input, channel, row, column, KERNEL);
      const products = window.map((x, i) => x * kernel[i]);
      return { window, kernel, products, sum: sumOf(products) };
    });
    return { channels, bias: network.weights[`${result.name}.bias`].values[map] };
  }

  function pool({ result, input, map, row, column }) {
    const place = (map * result.side + row) * result.side + column;
    const winner = largest(input, map, row, column);
    const window = windowOf(input, map, 2 * row, 2 * column, 2);
    return {
      window,
      best: window.indexOf(input.values[winner]),
      before: result.before ? result.before[place] : result.values[place],
    };
  }

  function dense({ network, result, input, map }) {
    const { shape, values } = network.weights[`${result.name}.weight`];
    const parts = Array.from(input.values, (x, unit) => {
      const weight = values[map * shape[1] + unit];
      return { unit, input: x, weight, product: x * weight };
    });
    const bias = network.weights[`${result.name}.bias`].values[map];
    return { parts, bias, before: sumOf(parts.map((part) => part.product)) + bias };
  }

  function dropout({ result, input, map, row, column }) {
    const place = (map * result.side + row) * result.side + column;
    return { before: input.values[place], kept: result.kept ? Boolean(result.kept[place]) : null };
  }

  function softmax({ input }) {
    const top = Math.max(...input.values);
    const powers = Array.from(input.values, (z) => Math.exp(z - top));
    return { logits: Array.from(input.values), powers, top, total: sumOf(powers) };
  }

  const EXPLANATIONS = { conv, pool, dense, dropout, softmax };

  /**
   * The part of an earlier layer that a unit sees, {row, column, size} within each of its maps, or
   * null when it sees all of it. With `layer` "input" it is the receptive field in the picture.
   */
  function seenBy(results, unit, layer = "input") {
    let { row = 0, column = 0 } = unit;
    let size = 1;
    for (let at = results[unit.layer]; at.name !== layer; at = results[at.from]) {
      if (at.kind === "dense" || at.kind === "softmax") return null;
      if (at.kind === "conv") size += KERNEL - 1;
      if (at.kind === "pool") [row, column, size] = [2 * row, 2 * column, 2 * size];
    }
    return { row, column, size };
  }

  Object.assign(globalThis.mnistconv, { explain, canExplain, seenBy });
})();

// The forward pass of the book's networks, in typed arrays, with every intermediate value kept.
//
// A picture is a Float32Array of 28 * 28 values in [0, 1], row by row. A layer's values lie map by
// map, each map row by row: the value of map m at (row, column) stands at (m * side + row) * side +
// column. A dense layer is a list of maps of one value each.
"use strict";

globalThis.mnistconv = globalThis.mnistconv ?? {};

(() => {
  const SIDE = 28;
  const KERNEL = 5;
  const DROPPED = 0.5; // the share of units that dropout silences in train mode

  const ACTIVATIONS = {
    relu: (z) => Math.max(0, z),
    sigmoid: (z) => 1 / (1 + Math.exp(-z)),
  };

  // Weights ---------------------------------------------------------------------------------------

  /** The bytes of a base64 text. Throws when it is not base64. */
  function bytesOf(text) {
    return Uint8Array.from(atob(text), (character) => character.charCodeAt(0));
  }

  /** The number whose half-precision (IEEE 754 binary16) bits are `bits`. */
  function fromHalf(bits) {
    const sign = bits & 0x8000 ? -1 : 1;
    const exponent = (bits >> 10) & 0x1f;
    const fraction = bits & 0x3ff;
    if (exponent === 0) return sign * fraction * 2 ** -24;
    if (exponent === 31) return fraction ? NaN : sign * Infinity;
    return sign * (1 + fraction / 1024) * 2 ** (exponent - 15);
  }

  /**
   * The weights in an exported script: {"conv1.weight": {shape, values}, ...}.
   * They come in half precision, little-endian, as all browsers' machines store numbers. Throws when
   * the text does not hold what the header promises.
   */
  function readWeights(header, text) {
    const bytes = bytesOf(text);
    if (bytes.length !== header.bytes) {
      throw new Error(`it has ${bytes.length} bytes of weights, not ${header.bytes}`);
    }
    const numbers = Float32Array.from(new Uint16Array(bytes.buffer), fromHalf);
    if (!numbers.every(Number.isFinite)) throw new Error("it has weights that are no numbers");
    const weights = {};
    let start = 0;
    for (const [name, shape] of Object.entries(header.shapes)) {
      const size = shape.reduce((a, b) => a * b, 1);
      weights[name] = { shape, values: numbers.subarray(start, start + size) };
      start += size;
    }
    return weights;
  }

  // Layers ----------------------------------------------------------------------------------------

  /** Cross-correlation of all maps with all kernels, plus bias: what PyTorch's Conv2d computes. */
  function convolve(input, weight, bias) {
    const maps = weight.shape[0];
    const side = input.side - KERNEL + 1;
    const values = new Float32Array(maps * side * side);
    for (let map = 0; map < maps; map++) {
      const out = values.subarray(map * side * side, (map + 1) * side * side).fill(bias.values[map]);
      for (let channel = 0; channel < input.maps; channel++) {
        for (let i = 0; i < KERNEL; i++) {
          const start = ((map * input.maps + channel) * KERNEL + i) * KERNEL;
          const first = (channel * input.side + i) * input.side;
          addRowOfKernel(out, side, weight.values, start, input.values, first, input.side);
        }
      }
    }
    return { maps, side, values };
  }

  /** Adds the products with one row of a kernel, five weights from `start` on, at every place. */
  function addRowOfKernel(out, side, weights, start, values, first, stride) {
    const w0 = weights[start], w1 = weights[start + 1], w2 = weights[start + 2];
    const w3 = weights[start + 3], w4 = weights[start + 4];
    for (let row = 0; row < side; row++) {
      let x = first + row * stride;
      const end = (row + 1) * side;
      for (let place = row * side; place < end; place++, x++) {
        out[place] += w0 * values[x] + w1 * values[x + 1] + w2 * values[x + 2]
          + w3 * values[x + 3] + w4 * values[x + 4];
      }
    }
  }

  /** Where the largest of the four values of a pooling window stands in `values`. */
  function largest(input, map, row, column) {
    const corner = (map * input.side + 2 * row) * input.side + 2 * column;
    const window = [corner, corner + 1, corner + input.side, corner + input.side + 1];
    return window.reduce((best, place) => (input.values[place] > input.values[best] ? place : best));
  }

  function pool(input) {
    const side = input.side / 2;
    const values = new Float32Array(input.maps * side * side);
    let place = 0;
    for (let map = 0; map < input.maps; map++) {
      for (let row = 0; row < side; row++) {
        for (let column = 0; column < side; column++) {
          values[place++] = input.values[largest(input, map, row, column)];
        }
      }
    }
    return { maps: input.maps, side, values };
  }

  function dense(input, weight, bias) {
    const [units, inputs] = weight.shape;
    const values = new Float32Array(units);
    const [w, x] = [weight.values, input.values];
    for (let unit = 0; unit < units; unit++) {
      // Four sums at once (all layers have a multiple of four inputs): each addition waits for the
      // one before it, so a single sum would take three times as long.
      let a = bias.values[unit], b = 0, c = 0, d = 0;
      for (let i = 0, k = unit * inputs; i < inputs; i += 4, k += 4) {
        a += w[k] * x[i];
        b += w[k + 1] * x[i + 1];
        c += w[k + 2] * x[i + 2];
        d += w[k + 3] * x[i + 3];
      }
      values[unit] = a + b + c + d;
    }
    return { maps: units, side: 1, values };
  }

  /** Dropout in train mode: half of the values become 0, the others double, so the mean stays. */
  function drop(input, random) {
    const kept = Uint8Array.from(input.values, () => (random() < DROPPED ? 0 : 1));
    const values = input.values.map((value, i) => (kept[i] ? value / (1 - DROPPED) : 0));
    return { maps: input.maps, side: input.side, values, kept };
  }

  /** Probabilities from logits; the largest logit is taken off first, so that exp never overflows. */
  function softmax(logits) {
    const top = Math.max(...logits);
    const powers = Array.from(logits, (z) => Math.exp(z - top));
    const sum = powers.reduce((a, b) => a + b);
    return Float32Array.from(powers, (power) => power / sum);
  }

  // Networks --------------------------------------------------------------------------------------

  /**
   * Names each step of a network in reading order: ["conv1", "pool", "relu", ...] becomes
   * [{name: "conv1", kind: "conv"}, {name: "pool1", kind: "pool", activation: "relu"}, ...].
   */
  function readLayers(names) {
    const layers = [];
    const count = { pool: 0, dropout: 0 };
    for (const name of names) {
      if (name in ACTIVATIONS) {
        layers.at(-1).activation = name;
      } else if (name in count) {
        count[name] += 1;
        layers.push({ name: `${name}${count[name]}`, kind: name });
      } else {
        layers.push({ name, kind: name.startsWith("conv") ? "conv" : "dense" });
      }
    }
    return layers;
  }

  /** A network that can answer, from the page's list of networks and an exported script's weights. */
  function makeNetwork(description, weights) {
    return { ...description, steps: readLayers(description.layers), weights };
  }

  /**
   * Everything that a network computes for a picture: an object with one entry per step, by name,
   * in order, the picture first ("input"), "probabilities" last. An entry has maps, side and values
   * (after the activation), and, where it has an activation, `before` (the values before it).
   *
   * `off` names feature maps to be silenced, {conv1: Set of map numbers}: they are 0 from the
   * pooling on. `train` puts dropout to work, with `random` as its source of chance.
   */
  function forward(network, picture, { off = {}, train = false, random = Math.random } = {}) {
    const results = { input: { name: "input", kind: "input", maps: 1, side: SIDE, values: picture } };
    let last = results.input;
    for (const step of network.steps) {
      const result = { ...step, from: last.name, ...compute(network, step, last, train, random) };
      if (step.activation) {
        result.before = result.values;
        result.values = result.before.map(ACTIVATIONS[step.activation]);
      }
      if (step.kind === "pool") silence(result, off[last.name]);
      results[step.name] = last = result;
    }
    const values = softmax(last.values);
    results.probabilities = {
      name: "probabilities", kind: "softmax", from: last.name, maps: values.length, side: 1, values,
    };
    return results;
  }

  function compute(network, step, input, train, random) {
    const weight = network.weights[`${step.name}.weight`];
    const bias = network.weights[`${step.name}.bias`];
    if (step.kind === "conv") return convolve(input, weight, bias);
    if (step.kind === "pool") return pool(input);
    if (step.kind === "dense") return dense(input, weight, bias);
    const { maps, side, values } = input;
    return train ? drop(input, random) : { maps, side, values };
  }

  function silence(result, maps = new Set()) {
    const size = result.side * result.side;
    for (const map of maps) result.values.fill(0, map * size, (map + 1) * size);
  }

  /** The digit with the largest value. */
  function argmax(values) {
    return values.reduce((best, value, i) => (value > values[best] ? i : best), 0);
  }

  Object.assign(globalThis.mnistconv, {
    SIDE, KERNEL, ACTIVATIONS, bytesOf, fromHalf, readWeights, makeNetwork, forward, softmax, argmax,
    largest,
  });
})();

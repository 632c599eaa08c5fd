// From ink to a network's input: strokes become pixels, and the pixels are prepared as MNIST's were.
//
// An image here is {width, height, data}, data a Float32Array in [0, 1], row by row; ink is 1. Ink is
// kept at four times the resolution of the network's input, so that it can be scaled without steps.
"use strict";

globalThis.mnistconv = globalThis.mnistconv ?? {};

(() => {
  const SIDE = 28; // of the network's input
  const BOX = 20; // the longest side of a digit in MNIST
  const MIDDLE = 14; // the pixel in which MNIST puts a digit's centre of mass, from 0
  const FINE = 4; // pixels of ink per pixel of input

  function blank(width, height = width) {
    return { width, height, data: new Float32Array(width * height) };
  }

  const noInk = () => blank(SIDE * FINE);

  // Strokes ---------------------------------------------------------------------------------------

  /**
   * Draws a straight piece of a stroke with a round pen. `from` and `to` are [x, y] and `width` is
   * the pen's, all in input pixels, 0 to 28. The edge is smooth: a pixel is as dark as it is covered.
   */
  function drawSegment(ink, from, to, width) {
    const [x0, y0] = from.map((v) => v * FINE);
    const [x1, y1] = to.map((v) => v * FINE);
    const radius = (width * FINE) / 2;
    const reach = radius + 1;
    const left = Math.max(0, Math.floor(Math.min(x0, x1) - reach));
    const right = Math.min(ink.width, Math.ceil(Math.max(x0, x1) + reach));
    const top = Math.max(0, Math.floor(Math.min(y0, y1) - reach));
    const bottom = Math.min(ink.height, Math.ceil(Math.max(y0, y1) + reach));
    for (let y = top; y < bottom; y++) {
      for (let x = left; x < right; x++) {
        const distance = distanceToSegment(x + 0.5, y + 0.5, x0, y0, x1, y1);
        const cover = Math.min(1, Math.max(0, radius - distance + 0.5));
        const place = y * ink.width + x;
        ink.data[place] = Math.max(ink.data[place], cover);
      }
    }
  }

  function distanceToSegment(x, y, x0, y0, x1, y1) {
    const dx = x1 - x0;
    const dy = y1 - y0;
    const length2 = dx * dx + dy * dy;
    const along = length2 ? ((x - x0) * dx + (y - y0) * dy) / length2 : 0;
    const t = Math.min(1, Math.max(0, along));
    return Math.hypot(x - x0 - t * dx, y - y0 - t * dy);
  }

  /** Strokes [{width, points: [[x, y], ...]}] as ink; a stroke of one point is a dot. */
  function drawStrokes(strokes) {
    const ink = noInk();
    for (const { width, points } of strokes) {
      points.forEach((point, i) => drawSegment(ink, points[Math.max(0, i - 1)], point, width));
    }
    return ink;
  }

  // MNIST's preparation ---------------------------------------------------------------------------

  /** The smallest rectangle that holds all ink, {left, top, width, height}; null where there is none. */
  function boundingBox({ width, height, data }) {
    let [left, right, top, bottom] = [width, -1, height, -1];
    for (let y = 0; y < height; y++) {
      for (let x = 0; x < width; x++) {
        if (data[y * width + x] > 0) {
          left = Math.min(left, x);
          right = Math.max(right, x);
          top = Math.min(top, y);
          bottom = y;
        }
      }
    }
    return right < 0 ? null : { left, top, width: right - left + 1, height: bottom - top + 1 };
  }

  function crop(image, { left, top, width, height }) {
    const part = blank(width, height);
    for (let y = 0; y < height; y++) {
      const start = (top + y) * image.width + left;
      part.data.set(image.data.subarray(start, start + width), y * width);
    }
    return part;
  }

  /**
   * For each of `to` new pixels the old ones that it averages, with weights that fall off linearly
   * over the distance of one new pixel (of one old one, where the picture grows). At the same size
   * each pixel is its own average.
   */
  function averages(from, to) {
    const scale = from / to;
    const reach = Math.max(1, scale);
    return Array.from({ length: to }, (_, i) => {
      const centre = (i + 0.5) * scale - 0.5;
      const first = Math.max(0, Math.ceil(centre - reach));
      const last = Math.min(from - 1, Math.floor(centre + reach));
      const weights = [];
      for (let k = first; k <= last; k++) weights.push(1 - Math.abs(k - centre) / reach);
      const sum = weights.reduce((a, b) => a + b);
      return { first, weights: weights.map((weight) => weight / sum) };
    });
  }

  /** The image at a new size, smoothed against steps (Pillow calls this filter BILINEAR). */
  function resize(image, width, height) {
    const narrow = blank(width, image.height);
    averages(image.width, width).forEach(({ first, weights }, x) => {
      for (let y = 0; y < image.height; y++) {
        const start = y * image.width + first;
        narrow.data[y * width + x] = weights.reduce((s, w, k) => s + w * image.data[start + k], 0);
      }
    });
    const result = blank(width, height);
    averages(image.height, height).forEach(({ first, weights }, y) => {
      for (let x = 0; x < width; x++) {
        const start = first * width + x;
        result.data[y * width + x] = weights.reduce((s, w, k) => s + w * narrow.data[start + k * width], 0);
      }
    });
    return result;
  }

  /** Where along one axis the ink has its mean: "x" or "y", in pixels from 0. */
  function centreOfMass({ width, data }, axis) {
    let mass = 0;
    let moment = 0;
    data.forEach((value, place) => {
      mass += value;
      moment += value * (axis === "x" ? place % width : Math.floor(place / width));
    });
    return moment / mass;
  }

  /**
   * What MNIST's makers did: the longest side becomes 20 pixels, the centre of mass goes to the middle
   * of 28 x 28. A digit of MNIST comes out as it went in; an empty image stays empty.
   * Source: LeCun, Cortes, Burges, the MNIST database.
   */
  function prepare(image) {
    const box = boundingBox(image);
    if (!box) return blank(SIDE);
    const scale = BOX / Math.max(box.width, box.height);
    const width = Math.max(1, Math.round(box.width * scale));
    const height = Math.max(1, Math.round(box.height * scale));
    const digit = resize(crop(image, box), width, height);
    const left = placeInMiddle(centreOfMass(digit, "x"), width);
    const top = placeInMiddle(centreOfMass(digit, "y"), height);
    const result = blank(SIDE);
    for (let y = 0; y < height; y++) {
      result.data.set(digit.data.subarray(y * width, (y + 1) * width), (top + y) * SIDE + left);
    }
    return result;
  }

  /** The first pixel of a digit of `size` pixels, so that its mass is in the middle and all of it fits. */
  function placeInMiddle(mass, size) {
    return Math.min(SIDE - size, Math.max(0, MIDDLE - Math.floor(mass + 0.5)));
  }

  /** The image as it is, at the network's resolution: neither scaled nor moved. */
  function shrink(image) {
    return resize(image, SIDE, SIDE);
  }

  // Disturbances ----------------------------------------------------------------------------------

  /**
   * The 28 x 28 image scaled and turned about its middle (degrees, clockwise), then moved by dx, dy
   * pixels (right, down). Between pixels it interpolates; outside there is no ink.
   */
  function disturb(image, { dx = 0, dy = 0, angle = 0, scale = 1 } = {}) {
    if (!dx && !dy && !angle && scale === 1) return image;
    const result = blank(SIDE);
    const middle = (SIDE - 1) / 2;
    const cos = Math.cos((angle * Math.PI) / 180) / scale;
    const sin = Math.sin((angle * Math.PI) / 180) / scale;
    for (let y = 0; y < SIDE; y++) {
      for (let x = 0; x < SIDE; x++) {
        const right = x - middle - dx;
        const down = y - middle - dy;
        const fromX = cos * right + sin * down + middle;
        const fromY = cos * down - sin * right + middle;
        result.data[y * SIDE + x] = interpolate(image.data, fromX, fromY);
      }
    }
    return result;
  }

  function interpolate(data, x, y) {
    const left = Math.floor(x);
    const top = Math.floor(y);
    const pixel = (px, py) => (px < 0 || py < 0 || px >= SIDE || py >= SIDE ? 0 : data[py * SIDE + px]);
    const upper = pixel(left, top) * (left + 1 - x) + pixel(left + 1, top) * (x - left);
    const lower = pixel(left, top + 1) * (left + 1 - x) + pixel(left + 1, top + 1) * (x - left);
    return upper * (top + 1 - y) + lower * (y - top);
  }

  /** Normal noise of standard deviation `sd`, the same for the same seed; kept within [0, 1]. */
  function addNoise(image, sd, seed = 1) {
    if (!sd) return image;
    const random = randomNumbers(seed);
    const data = image.data.map((value) => {
      const normal = Math.sqrt(-2 * Math.log(1 - random())) * Math.cos(2 * Math.PI * random());
      return Math.min(1, Math.max(0, value + sd * normal));
    });
    return { ...image, data };
  }

  /** A source of numbers in [0, 1) that a seed repeats (the generator mulberry32). */
  function randomNumbers(seed) {
    let state = seed >>> 0;
    return () => {
      state = (state + 0x6d2b79f5) >>> 0;
      let t = Math.imul(state ^ (state >>> 15), state | 1);
      t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
      return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
    };
  }

  Object.assign(globalThis.mnistconv, {
    noInk, drawSegment, drawStrokes, boundingBox, resize, prepare, shrink, disturb, addNoise,
    randomNumbers,
  });
})();

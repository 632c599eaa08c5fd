/* The arithmetic of the explorer, apart from the page, so that Node can test it.

   A picture or a kernel is a list of rows of numbers. */

"use strict";

(function () {
  /** Places at which the kernel fits along one side; 0 when it does not fit at all. */
  function outputSide(side, kernelSide, stride, padding) {
    return Math.max(0, Math.floor((side + 2 * padding - kernelSide) / stride) + 1);
  }

  /** The kernel turned by half a turn, as a true convolution lays it on the input. */
  function flip(kernel) {
    return kernel.map((row) => [...row].reverse()).reverse();
  }

  /** What one output value is the sum of: a list of {value, weight, product, inside}.
      `inside` is false where the window lies on the padding, whose values are 0. */
  function terms(input, kernel, row, column, { stride = 1, padding = 0, flipped = false } = {}) {
    const stencil = flipped ? flip(kernel) : kernel;
    return stencil.flatMap((weights, i) =>
      weights.map((weight, j) => {
        const value = input[row * stride + i - padding]?.[column * stride + j - padding];
        const inside = value !== undefined;
        return { value: value ?? 0, weight, product: (value ?? 0) * weight, inside };
      })
    );
  }

  function total(list) {
    return list.reduce((sum, { product }) => sum + product, 0);
  }

  /** The output: a cross-correlation, or with `flipped` a true convolution. `[]` without a fit. */
  function correlate(input, kernel, options = {}) {
    const { stride = 1, padding = 0 } = options;
    const rows = outputSide(input.length, kernel.length, stride, padding);
    const columns = outputSide(input[0].length, kernel[0].length, stride, padding);
    if (!columns) return [];
    return grid(rows, columns, (i, j) => total(terms(input, kernel, i, j, options)));
  }

  function grid(rows, columns, valueAt) {
    return Array.from({ length: rows }, (_, i) =>
      Array.from({ length: columns }, (_, j) => valueAt(i, j))
    );
  }

  /** The square of `side` rows from the upper left corner on; what is missing is filled in. */
  function resize(rows, side, fill) {
    return grid(side, side, (i, j) => rows[i]?.[j] ?? fill);
  }

  const NUMBER = /^[+-]?(\d{1,2}([.,]\d{0,2})?|[.,]\d{1,2})$/;

  /** The number that a reader typed, between -100 and 100 in hundredths; null for anything else. */
  function parse(text) {
    const typed = text.trim().replace("−", "-");
    return NUMBER.test(typed) ? Number(typed.replace(",", ".")) : null;
  }

  /** A number as the page shows it. Four decimals are exact: no product of hundredths has more. */
  function format(number) {
    const rounded = Math.round(number * 1e4) / 1e4;
    return rounded < 0 ? `−${-rounded}` : String(Math.abs(rounded));
  }

  /** A number in at most about four characters, for a cell. */
  function formatShort(number) {
    const size = Math.abs(number);
    const scale = size >= 100 ? 1 : size >= 10 ? 10 : 100;
    return format(Math.round(number * scale) / scale);
  }

  // The five with which the chapter begins (training image 0), each value the mean of 3 × 3 pixels
  // in steps from 0 to 9.
  const FIVE = [
    [0, 0, 0, 0, 0, 0, 0, 0, 0],
    [0, 0, 0, 0, 0, 1, 2, 3, 0],
    [0, 0, 2, 7, 9, 9, 4, 2, 0],
    [0, 0, 0, 3, 5, 1, 0, 0, 0],
    [0, 0, 0, 0, 5, 4, 0, 0, 0],
    [0, 0, 0, 0, 0, 5, 5, 0, 0],
    [0, 0, 0, 1, 5, 8, 4, 0, 0],
    [0, 1, 5, 8, 6, 1, 0, 0, 0],
    [0, 2, 3, 1, 0, 0, 0, 0, 0],
  ];

  const OUTLINE_3 = [[0, -1, 0], [-1, 4, -1], [0, -1, 0]];
  const OUTLINE_5 = [
    [0, 0, -1, 0, 0],
    [0, -1, -2, -1, 0],
    [-1, -2, 16, -2, -1],
    [0, -1, -2, -1, 0],
    [0, 0, -1, 0, 0],
  ];
  const SOBEL_3 = [[1, 0, -1], [2, 0, -2], [1, 0, -1]];
  const SOBEL_5 = [
    [1, 2, 0, -2, -1],
    [4, 8, 0, -8, -4],
    [6, 12, 0, -12, -6],
    [4, 8, 0, -8, -4],
    [1, 2, 0, -2, -1],
  ];
  const EDGE = { 2: [1, -1], 3: [1, 0, -1], 5: [1, 1, 0, -1, -1] };

  const square = (valueAt) => (side) => grid(side, side, (i, j) => valueAt(i, j, side));
  const listed = (...squares) => (side) => squares.find((rows) => rows.length === side);
  const centre = (i, j, side) => Number(i === j && i === Math.floor((side - 1) / 2));
  const plusIdentity = (rows) =>
    square((i, j, side) => rows[i][j] + centre(i, j, side))(rows.length);

  // Each preset: its title; the side that it comes with, where that is not left as it is; and a
  // function that makes the square of a given side, or nothing where there is none of that side.
  const presets = {
    input: {
      five: { title: "a handwritten 5", side: 9, make: (side) => resize(FIVE, side, 0) },
      counting: { title: "1, 2, 3, …", side: 3, make: square((i, j, side) => side * i + j + 1) },
      upright: {
        title: "an upright edge", side: 7, make: square((i, j, side) => (2 * j < side ? 9 : 0)),
      },
      diagonal: {
        title: "a diagonal", side: 7, make: square((i, j) => [9, 3][Math.abs(i - j)] ?? 0),
      },
    },
    kernel: {
      upright: { title: "upright edge", make: square((i, j, side) => EDGE[side][j]) },
      level: { title: "level edge", make: square((i, j, side) => EDGE[side][i]) },
      sobel: { title: "Sobel, upright", make: listed(SOBEL_3, SOBEL_5) },
      outline: { title: "outline (Laplace)", make: listed(OUTLINE_3, OUTLINE_5) },
      sharpen: { title: "sharpen", make: listed(plusIdentity(OUTLINE_3), plusIdentity(OUTLINE_5)) },
      // 1/9 has no end in decimals; with 0.2 in the middle the nine still add up to 1.
      blur: {
        title: "blur",
        make: square((i, j, side) => (side === 3 ? 0.1 + 0.1 * centre(i, j, 3) : 1 / side ** 2)),
      },
      identity: { title: "identity", make: square(centre) },
      first: { title: "10, 20, 30, 40", side: 2, make: listed([[10, 20], [30, 40]]) },
    },
  };

  globalThis.convolution = {
    outputSide, flip, terms, total, correlate, resize, parse, format, formatShort, presets,
  };
})();

// Paints the steps of a photo: in colour, in grey, with the digits framed.
"use strict";

globalThis.mnistconv = globalThis.mnistconv ?? {};

(() => {
  const SHOWN = 640; // pixels of a shown step's longer side

  const scratch = document.createElement("canvas");

  /** Paints pixels (red, green, blue, alpha) into a canvas of their proportions. Returns the scale. */
  function paintPixels(canvas, { width, height, data }) {
    Object.assign(scratch, { width, height });
    scratch.getContext("2d").putImageData(new ImageData(data, width, height), 0, 0);
    const scale = Math.min(1, SHOWN / Math.max(width, height));
    Object.assign(canvas, { width: Math.round(width * scale), height: Math.round(height * scale) });
    canvas.getContext("2d").drawImage(scratch, 0, 0, canvas.width, canvas.height);
    return scale;
  }

  /** Paints an image in grey; `shadeAt(value)` gives the brightness, 0 to 1. */
  function paintGrey(canvas, { width, height, data }, shadeAt = (value) => value) {
    const pixels = new Uint8ClampedArray(4 * data.length).fill(255);
    data.forEach((value, i) => (pixels[4 * i] = pixels[4 * i + 1] = pixels[4 * i + 2] = 255 * shadeAt(value)));
    return paintPixels(canvas, { width, height, data: pixels });
  }

  /** The photo with a box and a number around each digit. */
  function paintBoxes(canvas, pixels, rows, { mark, paper }) {
    const scale = paintPixels(canvas, pixels);
    const context = canvas.getContext("2d");
    const css = (colour) => `rgb(${colour.join(" ")})`;
    context.font = "bold 18px sans-serif";
    rows.flat().forEach(({ left, top, right, bottom }, i) => {
      const box = [left - 3, top - 3, right - left + 7, bottom - top + 7].map((v) => v * scale);
      for (const [colour, width] of [[paper, 5], [mark, 2.5]]) {
        context.strokeStyle = css(colour);
        context.lineWidth = width;
        context.strokeRect(...box);
      }
      context.lineWidth = 4;
      context.strokeStyle = css(paper);
      context.strokeText(i + 1, box[0], box[1] - 5);
      context.fillStyle = css(mark);
      context.fillText(i + 1, box[0], box[1] - 5);
    });
  }

  Object.assign(globalThis.mnistconv, { paintPixels, paintGrey, paintBoxes });
})();

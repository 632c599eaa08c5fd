// Layers as pictures: each map a tile of squares, with marks on what a unit sees.
"use strict";

globalThis.mnistconv = globalThis.mnistconv ?? {};

(() => {
  // Tiles of 48 pixels hold maps of 24, 12, 8 and 4 squares a side without a remainder.
  const MAPS = { tile: 48, gap: 6 };
  const UNITS = { tile: 10, gap: 1 };
  const PICTURE = { tile: 224, gap: 0, columns: 1 };
  const LENS = { squares: 12, size: 288 }; // so that a square is as large as a fingertip needs

  function layoutOf({ kind, side, maps }) {
    if (kind === "input") return PICTURE;
    if (side === 1) return { ...UNITS, columns: maps > 100 ? 100 : 50 };
    return { ...MAPS, columns: maps > 20 ? 8 : 5 };
  }

  function sizeOf(result) {
    const { tile, gap, columns } = layoutOf(result);
    const rows = Math.ceil(result.maps / columns);
    return { width: columns * (tile + gap) - gap, height: rows * (tile + gap) - gap };
  }

  /** The square, or the block of `size` squares a side, that begins at a unit: {x, y, side}. */
  function squareOf(result, { map, row, column, size = 1 }) {
    const { tile, gap, columns } = layoutOf(result);
    const square = tile / result.side;
    return {
      x: (map % columns) * (tile + gap) + column * square,
      y: Math.floor(map / columns) * (tile + gap) + row * square,
      side: size * square,
    };
  }

  /** The unit at a point of the layer's canvas; null between tiles. */
  function unitAt(result, x, y) {
    const { tile, gap, columns } = layoutOf(result);
    const [across, down] = [x, y].map((v) => Math.floor(v / (tile + gap)));
    const [column, row] = [x - across * (tile + gap), y - down * (tile + gap)].map((v) =>
      Math.floor((v / tile) * result.side),
    );
    const map = down * columns + across;
    const isInside = column < result.side && row < result.side && across < columns && map < result.maps;
    return isInside && x >= 0 && y >= 0 ? { map, row, column } : null;
  }

  /** Where a unit stands among all squares of its layer, gaps left out: [x, y]. */
  function placeOf(result, { map, row, column }) {
    const { columns } = layoutOf(result);
    return [(map % columns) * result.side + column, Math.floor(map / columns) * result.side + row];
  }

  /** The unit that stands there; null where there is none. */
  function unitOf(result, x, y) {
    const { columns } = layoutOf(result);
    const across = Math.floor(x / result.side);
    const map = Math.floor(y / result.side) * columns + across;
    if (x < 0 || y < 0 || across >= columns || map >= result.maps) return null;
    return { map, row: y % result.side, column: x % result.side };
  }

  /** The unit one square further, across the border between tiles too; the same one at the edge. */
  function neighbour(result, { map, row, column }, right, down) {
    const [x, y] = placeOf(result, { map, row, column });
    return unitOf(result, x + right, y + down) ?? { map, row, column };
  }

  // The lens: a unit among its neighbours, enlarged ----------------------------------------------------

  /** The squares around a unit, of its map alone where it has one: {left, top, across, down}. */
  function lensOf(result, unit) {
    const { columns } = layoutOf(result);
    const isMap = result.side > 1;
    const [x, y] = placeOf(result, unit);
    const [x0, y0] = isMap ? [x - unit.column, y - unit.row] : [0, 0];
    const wide = isMap ? result.side : Math.min(columns, result.maps);
    const high = isMap ? result.side : Math.ceil(result.maps / columns);
    const [across, down] = [wide, high].map((length) => Math.min(LENS.squares, length));
    const within = (at, start, length, shown) => Math.min(start + length - shown, Math.max(start, at - shown / 2));
    return {
      left: Math.floor(within(x, x0, wide, across)), top: Math.floor(within(y, y0, high, down)), across, down,
    };
  }

  /** Gives the lens the size that the neighbourhood of a unit takes. */
  function sizeLens(canvas, result, unit) {
    const { across, down } = lensOf(result, unit);
    resize(canvas, LENS.size, (down * LENS.size) / across);
    canvas.style.setProperty("--across", across);
  }

  /** Paints the neighbourhood of a unit; `most` is the value in full colour. */
  function paintLens(canvas, result, unit, { isSigned, most, colours }) {
    const { left, top, across, down } = lensOf(result, unit);
    const square = LENS.size / across;
    const context = canvas.getContext("2d");
    const units = Array.from({ length: across * down }, (_, i) => unitOf(result, left + (i % across), top + Math.floor(i / across)));
    const values = units.map((at) => at && result.values[(at.map * result.side + at.row) * result.side + at.column]);
    context.imageSmoothingEnabled = false;
    context.drawImage(pictureOfPixels(toPixels(values, isSigned, colours, most), across, down), 0, 0, canvas.width, canvas.height);
    for (let i = 1; i <= across; i++) context.clearRect(i * square - 1, 0, 1, canvas.height);
    for (let i = 1; i <= down; i++) context.clearRect(0, i * square - 1, canvas.width, 1);
    units.forEach((at, i) => at || context.clearRect((i % across) * square, Math.floor(i / across) * square, square, square));
    const [x, y] = placeOf(result, unit);
    context.strokeStyle = css(colours.mark);
    context.lineWidth = 3;
    context.strokeRect((x - left) * square + 1, (y - top) * square + 1, square - 3, square - 3);
  }

  /** The unit at a point of the lens, given as shares of its width and height. */
  function unitInLens(result, unit, x, y) {
    const { left, top, across, down } = lensOf(result, unit);
    return unitOf(result, left + Math.floor(x * across), top + Math.floor(y * down));
  }

  // Colours ---------------------------------------------------------------------------------------

  /** The page's colours in today's theme, as [red, green, blue], from its style sheet. */
  function readColours(element) {
    const style = getComputedStyle(element);
    const colour = (name) => {
      const hex = style.getPropertyValue(`--draw-${name}`).trim().slice(1);
      return [0, 2, 4].map((i) => Number.parseInt(hex.slice(i, i + 2), 16));
    };
    const names = ["paper", "ink", "positive", "negative", "mark", "muted"];
    return Object.fromEntries(names.map((name) => [name, colour(name)]));
  }

  const css = ([red, green, blue]) => `rgb(${red} ${green} ${blue})`;

  /** The largest absolute value: what is painted in full colour. */
  function strongest(values) {
    let most = 0;
    for (let i = 0; i < values.length; i++) most = Math.max(most, Math.abs(values[i]));
    return most;
  }

  /** Values as pixels: paper for 0, ink for the strongest; a signed layer in two colours. */
  function toPixels(values, isSigned, colours, most) {
    const pixels = new Uint8ClampedArray(values.length * 4);
    const { paper, ink, positive, negative } = colours;
    for (let i = 0, at = 0; i < values.length; i++, at += 4) {
      const value = values[i];
      const full = !isSigned ? ink : value > 0 ? positive : negative;
      const share = most ? Math.min(1, Math.abs(value) / most) : 0;
      pixels[at] = paper[0] + (full[0] - paper[0]) * share;
      pixels[at + 1] = paper[1] + (full[1] - paper[1]) * share;
      pixels[at + 2] = paper[2] + (full[2] - paper[2]) * share;
      pixels[at + 3] = 255;
    }
    return pixels;
  }

  // Painting --------------------------------------------------------------------------------------

  const scratches = new Map(); // a canvas of each size that was asked for: to resize one costs more than to paint it

  /** A canvas with the given pixels, until the next one of its size is asked for. */
  function pictureOfPixels(pixels, width, height) {
    const size = `${width} ${height}`;
    if (!scratches.has(size)) scratches.set(size, Object.assign(document.createElement("canvas"), { width, height }));
    const scratch = scratches.get(size);
    scratch.getContext("2d").putImageData(new ImageData(pixels, width, height), 0, 0);
    return scratch;
  }

  /** Gives a canvas its size; where it has it, that would empty it all the same, and take its time. */
  function resize(canvas, width, height) {
    if (canvas.width !== width || canvas.height !== height) Object.assign(canvas, { width, height });
  }

  /** Paints all maps of a layer. Returns the value that is shown in full colour. */
  function paintLayer(canvas, result, { isSigned = false, most = strongest(result.values), colours, off }) {
    const { width, height } = sizeOf(result);
    resize(canvas, width, height);
    const pixels = toPixels(result.values, isSigned, colours, most);
    const scratch = pictureOfPixels(pixels, result.side, result.side * result.maps);
    const context = canvas.getContext("2d");
    context.imageSmoothingEnabled = false;
    context.clearRect(0, 0, width, height);
    const { tile } = layoutOf(result);
    for (let map = 0; map < result.maps; map++) {
      const { x, y } = squareOf(result, { map, row: 0, column: 0 });
      context.drawImage(scratch, 0, map * result.side, result.side, result.side, x, y, tile, tile);
      if (off?.has(map)) crossOut(context, x, y, tile, colours);
    }
    return most;
  }

  function crossOut(context, x, y, tile, colours) {
    context.strokeStyle = css(colours.muted);
    context.lineWidth = 2;
    context.beginPath();
    context.moveTo(x + 2, y + 2);
    context.lineTo(x + tile - 2, y + tile - 2);
    context.moveTo(x + tile - 2, y + 2);
    context.lineTo(x + 2, y + tile - 2);
    context.stroke();
  }

  /** Frames the given blocks [{map, row, column, size}], with a rim of paper so that it shows anywhere. */
  function mark(canvas, result, blocks, colours, width = 2) {
    const context = canvas.getContext("2d");
    for (const block of blocks) {
      const { x, y, side } = squareOf(result, block);
      for (const [colour, lineWidth] of [[colours.paper, 2 * width], [colours.mark, width]]) {
        context.strokeStyle = css(colour);
        context.lineWidth = lineWidth;
        context.strokeRect(x, y, side, side);
      }
    }
  }

  /** The lines between the pixels of the network's input on a board `size` wide. */
  const gridOf = globalThis.mnistconv.onlyAnew((size) => {
    const grid = new Path2D();
    for (let i = 1; i < 28; i++) {
      const at = Math.round((i * size) / 28) + 0.5;
      grid.moveTo(at, 0);
      grid.lineTo(at, size);
      grid.moveTo(0, at);
      grid.lineTo(size, at);
    }
    return grid;
  });

  /** Paints ink in full resolution, with a faint line around each pixel of the network's input. */
  function paintBoard(canvas, image, colours, cursor) {
    const context = canvas.getContext("2d");
    const pixels = toPixels(image.data, false, colours, 1);
    context.imageSmoothingEnabled = image.width > 28;
    context.drawImage(pictureOfPixels(pixels, image.width, image.height), 0, 0, canvas.width, canvas.height);
    context.strokeStyle = css(colours.muted);
    context.globalAlpha = 0.16;
    context.lineWidth = 1;
    context.stroke(gridOf(canvas.width));
    context.globalAlpha = 1;
    if (cursor) paintCursor(context, cursor, canvas.width / 28, colours);
  }

  function paintCursor(context, { x, y, isDown, width }, pixel, colours) {
    context.strokeStyle = css(colours.mark);
    context.lineWidth = isDown ? 4 : 2;
    context.beginPath();
    context.arc(x * pixel, y * pixel, (width * pixel) / 2 + 2, 0, 2 * Math.PI);
    context.stroke();
  }

  Object.assign(globalThis.mnistconv, {
    sizeOf, unitAt, neighbour, sizeLens, paintLens, unitInLens, readColours, strongest, paintLayer, mark, paintBoard,
  });
})();

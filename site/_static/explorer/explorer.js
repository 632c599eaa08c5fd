/* The explorer on the page about convolution: what the reader sees and touches.

   The numbers come from convolution.js. Cells keep the text that the reader typed, so that a slip
   can be shown and mended; in the arithmetic it counts as 0. */

"use strict";

(function () {
  const place = document.getElementById("explorer");
  if (!place) return;

  const { terms, total, correlate, resize, parse, format, formatShort, presets } =
    globalThis.convolution;

  // The skeleton: `data-preset`, `data-side` and `data-setting` say what a control changes.

  const choice = (name, legend, labels) => `
    <fieldset class="explorer-choice explorer-${name}">
      <legend>${legend}</legend>
      ${Object.entries(labels).map(([value, label]) => `
        <label>
          <input type="radio" name="explorer-${name}" data-setting="${name}" value="${value}">
          <span>${label}</span>
        </label>`).join("")}
    </fieldset>`;

  const head = (name, title, letter, sides) => `
    <div class="explorer-head">
      <label>
        <strong>${title}</strong>
        <select data-preset="${name}">
          ${Object.entries(presets[name]).map(([key, preset]) =>
            `<option value="${key}">${preset.title}</option>`).join("")}
          <option value="">your own</option>
        </select>
      </label>
      <label>
        side <var>${letter}</var>
        <select data-side="${name}">
          ${sides.map((side) => `<option>${side}</option>`).join("")}
        </select>
      </label>
    </div>`;

  const editableGrid = (name) => `
    <div class="explorer-area">
      <div class="explorer-grid" id="explorer-${name}" role="group"></div>
    </div>
    <p class="explorer-problem" id="explorer-${name}-problem" role="status"></p>`;

  place.insertAdjacentHTML("beforeend", `
    <div class="explorer-panels">
      <div>
        ${head("kernel", "Kernel", "k", [2, 3, 5])}
        ${editableGrid("kernel")}
      </div>
      <div class="explorer-settings">
        ${choice("flipped", "What is computed", {
          0: "cross-correlation: what PyTorch computes",
          1: "true convolution: the kernel is flipped",
        })}
        <div class="explorer-pair">
          ${choice("stride", "stride <var>s</var>", { 1: "1", 2: "2", 3: "3" })}
          ${choice("padding", "padding <var>p</var>", { 0: "0", 1: "1", 2: "2" })}
        </div>
        <p id="explorer-formula"></p>
        <p id="explorer-remark" role="status"></p>
      </div>
      <div>
        ${head("input", "Input", "n", [3, 4, 5, 6, 7, 8, 9])}
        ${editableGrid("input")}
      </div>
      <div>
        <div class="explorer-head">
          <strong id="explorer-size"></strong>
          <button type="button" id="explorer-slide"></button>
        </div>
        <div class="explorer-area">
          <div class="explorer-grid" id="explorer-output" role="grid"></div>
        </div>
      </div>
    </div>
    <div id="explorer-sum">
      <p id="explorer-where"></p>
      <p id="explorer-terms"></p>
      <p id="explorer-products"></p>
    </div>
    <p class="explorer-hint">
      Type into kernel and input. Point at the output, or use the arrow keys there: the window
      follows.
    </p>`);

  const part = (name) => document.getElementById(`explorer-${name}`);
  const select = (name) => place.querySelector(`select[data-preset=${name}]`);

  /** An element with attributes and children (elements or text). */
  function make(tag, attributes = {}, ...children) {
    const element = document.createElement(tag);
    for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, value);
    element.append(...children);
    return element;
  }

  // The state: what the reader chose, and what follows from it

  const state = {
    input: texts(presets.input.five.make(9)),
    kernel: texts(presets.kernel.upright.make(3)),
    stride: 1,
    padding: 0,
    flipped: 0,
    row: 2, // of the output: where the window stands
    column: 4,
  };
  let output = [];
  let timer = null; // while the window slides by itself

  function texts(rows) {
    return rows.map((row) => row.map(format));
  }

  function numbers(name) {
    return state[name].map((row) => row.map((text) => parse(text) ?? 0));
  }

  function usePreset(name, key) {
    const preset = presets[name][key];
    if (!preset) return;
    const side = preset.side ?? state[name].length;
    state[name] = texts(preset.make(side) ?? preset.make(3));
  }

  function useSide(name, side) {
    const made = presets[name][select(name).value]?.make(side);
    if (!made) select(name).value = "";
    state[name] = made ? texts(made) : resize(state[name], side, "0");
  }

  /** Draws everything anew after a choice. */
  function draw() {
    stop();
    drawEditable("kernel", 0);
    drawEditable("input", state.padding);
    part("input").append(make("div", { id: "explorer-window", "aria-hidden": "true" }));
    for (const name of ["stride", "padding", "flipped"]) {
      place.querySelector(`[data-setting=${name}][value="${state[name]}"]`).checked = true;
    }
    for (const name of ["kernel", "input"]) {
      place.querySelector(`[data-side=${name}]`).value = state[name].length;
    }
    place.style.setProperty("--scale", state.input.length + 2 * state.padding);
    compute();
  }

  /** Computes the output and draws what depends on it. */
  function compute() {
    output = correlate(numbers("input"), numbers("kernel"), state);
    const last = Math.max(0, output.length - 1);
    drawOutput();
    drawFormula();
    show(Math.min(state.row, last), Math.min(state.column, last));
  }

  // Input and kernel

  function drawEditable(name, padding) {
    const rows = state[name];
    const cells = [];
    for (let i = -padding; i < rows.length + padding; i += 1) {
      for (let j = -padding; j < rows.length + padding; j += 1) {
        cells.push(rows[i]?.[j] === undefined ? zeroOfPadding() : editableCell(name, i, j));
      }
    }
    const size = `${rows.length} by ${rows.length}`;
    const ring = padding ? `, inside ${padding === 1 ? "one ring" : "two rings"} of zeros` : "";
    part(name).setAttribute("aria-label", `${name}, ${size}${ring}`);
    part(name).style.setProperty("--side", rows.length + 2 * padding);
    part(name).replaceChildren(...cells);
    checkCells(name);
  }

  function zeroOfPadding() {
    return make("span", { class: "explorer-cell explorer-zero", "aria-hidden": "true" }, "0");
  }

  function editableCell(name, i, j) {
    return make("input", {
      class: "explorer-cell",
      autocomplete: "off",
      "aria-label": `${name}, row ${i + 1}, column ${j + 1}`,
      "aria-describedby": `explorer-${name}-problem`,
      "data-row": i,
      "data-column": j,
      tabindex: i || j ? -1 : 0,
      value: state[name][i][j],
    });
  }

  /** Colours the cells; marks those that hold no number, and says so. */
  function checkCells(name) {
    const cells = [...part(name).querySelectorAll("input")];
    const limit = largest(numbers(name));
    for (const cell of cells) {
      cell.setAttribute("aria-invalid", parse(cell.value) === null);
      colour(cell, parse(cell.value) ?? 0, limit);
      cell.style.setProperty("--length", Math.max(1, cell.value.length));
    }
    const wrong = cells.filter((cell) => parse(cell.value) === null);
    const more = wrong.length > 2 ? ` And ${wrong.length - 2} more.` : "";
    part(`${name}-problem`).textContent = wrong.slice(0, 2).map(describeProblem).join(" ") + more;
  }

  function describeProblem(cell) {
    const { row, column } = cell.dataset;
    const what = cell.value.trim() === ""
      ? "is empty"
      : `holds “${cell.value}”, not a number between −100 and 100 with at most two decimals`;
    return `Row ${Number(row) + 1}, column ${Number(column) + 1} ${what}: it counts as 0.`;
  }

  function largest(rows) {
    return Math.max(...rows.flat().map(Math.abs));
  }

  function colour(cell, number, limit) {
    cell.style.setProperty("--strength", limit ? Math.abs(number) / limit : 0);
    cell.dataset.sign = Math.sign(number);
    cell.classList.toggle("explorer-strong", Math.abs(number) > limit / 2);
  }

  // Output and formula

  function drawOutput() {
    const side = output.length;
    const limit = largest(output);
    const rows = output.map((row, i) => make("div", { role: "row" }, ...row.map((number, j) => {
      const cell = make("div", { class: "explorer-cell", "data-row": i, "data-column": j });
      cell.setAttribute("role", "gridcell");
      cell.textContent = formatShort(number);
      colour(cell, number, limit);
      cell.style.setProperty("--length", cell.textContent.length);
      return cell;
    })));
    part("output").replaceChildren(...rows);
    part("output").style.setProperty("--side", Math.max(1, side));
    part("output").setAttribute("aria-label", `output, ${side} by ${side}`);
    part("size").textContent = side ? `Output ${side} × ${side}` : "No output";
    part("slide").disabled = !side;
  }

  function drawFormula() {
    const { stride, padding, input: { length: n }, kernel: { length: k } } = state;
    const lettered = (number, letter) =>
      make("span", {}, make("b", {}, number), make("var", {}, ...letter));
    part("formula").replaceChildren(
      "⌊(", lettered(n, "n"), "+ 2 ·", lettered(padding, "p"), "−", lettered(k, "k"), ") /",
      lettered(stride, "s"), "⌋ + 1 =",
      lettered(output.length || "–", ["n", make("sub", {}, "out")]),
    );
    const room = n + 2 * padding;
    const rest = (room - k) % stride;
    const leftOver = ["", "The last row and column are", "The last two rows and columns are"][rest];
    part("remark").textContent = room < k
      ? `The kernel does not fit: its side is ${k}, the input's with padding only ${room}.`
      : leftOver && `${leftOver} left over: the window would stick out.`;
  }

  // The window and its sum

  /** Lays the window where it makes the output value at (row, column). */
  function show(row, column) {
    Object.assign(state, { row, column });
    for (const cell of part("output").querySelectorAll("[role=gridcell]")) {
      const [i, j] = [Number(cell.dataset.row), Number(cell.dataset.column)];
      const here = i === row && j === column;
      cell.setAttribute("aria-selected", here);
      cell.tabIndex = here ? 0 : -1;
      const later = i > row || (i === row && j > column);
      cell.classList.toggle("explorer-later", timer !== null && later);
    }
    const fits = output.length > 0;
    part("window").hidden = !fits;
    part("sum").hidden = !fits;
    if (!fits) return;
    const list = terms(numbers("input"), numbers("kernel"), row, column, state);
    drawWindow(list);
    drawSum(list);
  }

  function drawWindow(list) {
    const frame = part("window");
    frame.style.setProperty("--row", state.row * state.stride);
    frame.style.setProperty("--column", state.column * state.stride);
    frame.style.setProperty("--side", state.kernel.length);
    frame.replaceChildren(...list.map(({ weight }) =>
      make("span", {}, make("i", {}, format(weight)))));
  }

  function drawSum(list) {
    const { row, column, stride, padding, kernel } = state;
    const covered = (step) => `${step * stride + 1} to ${step * stride + kernel.length}`;
    const sum = format(total(list));
    part("where").textContent =
      `Output row ${row + 1}, column ${column + 1} is ${sum}. The window covers rows ` +
      `${covered(row)} and columns ${covered(column)} of the ${padding ? "padded " : ""}input.`;
    const inBrackets = (number) => (number < 0 ? `(${format(number)})` : format(number));
    const coloured = ({ product }, text) => make("span", { "data-sign": Math.sign(product) }, text);
    part("terms").replaceChildren(...list.flatMap((term, i) => [
      i ? " + " : "",
      coloured(term, `${inBrackets(term.value)}·${inBrackets(term.weight)}`),
    ]));
    part("products").replaceChildren(...list.flatMap((term, i) => [
      i === 0 ? "= " : term.product < 0 ? " − " : " + ",
      coloured(term, format(i === 0 ? term.product : Math.abs(term.product))),
    ]), " = ", make("b", {}, sum));
  }

  // The window slides by itself

  function slide() {
    const calm = matchMedia("(prefers-reduced-motion: reduce)").matches;
    const places = output.length ** 2;
    const pause = calm ? 800 : Math.max(200, Math.min(700, 10_000 / places)); // milliseconds
    let next = 0;
    const step = () => {
      if (next === places) return stop();
      show(Math.floor(next / output.length), next % output.length);
      next += 1;
    };
    timer = setInterval(step, pause);
    step();
    part("slide").textContent = "■ Stop";
    part("where").setAttribute("aria-live", "off"); // or a screen reader would never end
  }

  function stop() {
    clearInterval(timer);
    timer = null;
    part("slide").textContent = "▶\uFE0E Slide the window";
    part("where").setAttribute("aria-live", "polite");
    for (const cell of part("output").querySelectorAll(".explorer-later")) {
      cell.classList.remove("explorer-later");
    }
  }

  // The reader's hands

  const KEYS = {
    ArrowUp: [-1, 0], ArrowDown: [1, 0], ArrowLeft: [0, -1], ArrowRight: [0, 1],
    Home: [0, -Infinity], End: [0, Infinity],
  };

  /** Whether an arrow key leaves a cell: sideways only from the end of what is typed there. */
  function leaves(cell, columns) {
    if (columns < 0) return cell.selectionStart === 0;
    return columns === 0 || cell.selectionEnd === cell.value.length;
  }

  place.addEventListener("keydown", (event) => {
    const cell = event.target.closest("[data-row]");
    if (!cell || !(event.key in KEYS) || event.ctrlKey || event.altKey || event.metaKey) return;
    const [rows, columns] = KEYS[event.key];
    const typing = cell.matches("input");
    if (typing && (Math.abs(columns) > 1 || !leaves(cell, columns))) return;
    const grid = cell.closest(".explorer-grid");
    const last = grid === part("output") ? output.length - 1 : state[nameOf(grid)].length - 1;
    const to = (from, by) => Math.max(0, Math.min(last, Number(from) + by));
    const [i, j] = [to(cell.dataset.row, rows), to(cell.dataset.column, columns)];
    event.preventDefault();
    grid.querySelector(`[data-row="${i}"][data-column="${j}"]`).focus();
  });

  function nameOf(grid) {
    return grid.id.replace("explorer-", "");
  }

  place.addEventListener("focusin", ({ target }) => {
    if (target.matches("[role=gridcell]")) lookAt(target);
    if (target.matches("input.explorer-cell")) {
      for (const cell of target.parentElement.querySelectorAll("input")) cell.tabIndex = -1;
      target.tabIndex = 0;
      target.select();
    }
  });

  part("output").addEventListener("pointerover", ({ target }) => {
    if (timer === null && target.matches("[role=gridcell]")) lookAt(target);
  });

  function lookAt(cell) {
    stop();
    show(Number(cell.dataset.row), Number(cell.dataset.column));
  }

  place.addEventListener("input", ({ target }) => {
    if (!target.matches(".explorer-cell")) return;
    stop();
    const name = nameOf(target.parentElement);
    state[name][target.dataset.row][target.dataset.column] = target.value;
    select(name).value = "";
    checkCells(name);
    compute();
  });

  place.addEventListener("change", ({ target }) => {
    const { preset, side, setting } = target.dataset;
    if (preset) usePreset(preset, target.value);
    if (side) useSide(side, Number(target.value));
    if (setting) state[setting] = Number(target.value);
    if (preset || side || setting) draw();
  });

  part("slide").addEventListener("click", () => (timer ? stop() : slide()));

  draw();
})();

// The panel "Why?": what `explain` found, as tables and sentences that add up.
"use strict";

globalThis.mnistconv = globalThis.mnistconv ?? {};

(() => {
  const { KERNEL, explain, seenBy } = globalThis.mnistconv;
  const LISTED = 6; // products of a dense unit that are shown one by one

  /** A number with three decimals and a real minus sign. */
  function written(value, decimals = 3) {
    const text = value.toFixed(decimals);
    return (Number(text) === 0 ? text.replace("-", "") : text).replace("-", "−");
  }

  /** As `written`; a number that would be 0.000 but is none as a power of ten. */
  function writtenSmall(value) {
    if (value === 0 || Math.abs(value) >= 0.0005) return written(value);
    const [digits, exponent] = value.toExponential(1).split("e");
    return element("span", {}, `${digits} · 10`, element("sup", {}, exponent.replace("-", "−")));
  }

  /** A number that something is added to: "+ 0.250" or "− 0.250". */
  const added = (value) => `${value < 0 ? "−" : "+"} ${written(Math.abs(value))}`;

  /** An element with attributes and children; texts may be children. */
  function element(tag, attributes = {}, ...children) {
    const made = document.createElement(tag);
    for (const [name, value] of Object.entries(attributes)) {
      if (name === "onclick") made.addEventListener("click", value);
      else made.setAttribute(name, value);
    }
    made.append(...children);
    return made;
  }

  const sentence = (...children) => element("p", {}, ...children);
  const exponential = (exponent) => element("span", {}, "e", element("sup", {}, exponent));

  /** Shows by its colour how strong a number is: `--share` from -1 to 1. */
  function tinted(tag, value, most, text = written(value), attributes = {}) {
    const share = most ? value / most : 0;
    const kind = share < 0 ? "negative" : "positive";
    const style = `--share: ${Math.round(Math.abs(share) * 45)}%`;
    return element(tag, { ...attributes, class: `draw-tint ${kind}`, style }, text);
  }

  const largestOf = (values) => Math.max(...values.map(Math.abs));

  function square(title, values, side, highlighted = null) {
    const most = largestOf(values);
    const body = element("tbody");
    for (let row = 0; row < side; row++) {
      const cells = values.slice(row * side, (row + 1) * side).map((value, column) => {
        const cell = tinted("td", value, most);
        if (row * side + column === highlighted) cell.setAttribute("aria-current", "true");
        return cell;
      });
      body.append(element("tr", {}, ...cells));
    }
    return element("table", { class: "draw-square" }, element("caption", {}, title), body);
  }

  function total(...children) {
    return element("p", { class: "draw-total" }, ...children);
  }

  // One kind of unit each ---------------------------------------------------------------------------

  function whyConv(answer, context) {
    const { channels, bias, value } = answer;
    const strongest = channels.reduce((best, c, i) => (Math.abs(c.sum) > Math.abs(channels[best].sum) ? i : best), 0);
    const chosen = context.channel !== null && context.channel < channels.length ? context.channel : strongest;
    const { window, kernel, products, sum } = channels[chosen];
    const from = context.inputName;
    const parts = [];
    if (channels.length > 1) {
      parts.push(sentence(`${channels.length} windows, one on each map of ${from}. What each adds:`));
      parts.push(channelButtons(channels, chosen, context));
    }
    const name = channels.length > 1 ? `map ${chosen} of ${from}` : "the picture";
    parts.push(
      element("div", { class: "draw-squares" },
        square(`Window on ${name}`, window, KERNEL),
        square("Kernel", kernel, KERNEL),
        square("Products", products, KERNEL)),
      total(`Sum of the 25 products: ${written(sum)}`));
    const all = channels.reduce((s, c) => s + c.sum, 0);
    const what = channels.length > 1 ? `All ${channels.length} sums` : "With the bias";
    parts.push(total(`${what}: ${written(all)} ${added(bias)} (bias) = `, element("b", {}, written(value))));
    return parts;
  }

  function channelButtons(channels, chosen, context) {
    const most = largestOf(channels.map((c) => c.sum));
    const buttons = channels.map(({ sum }, i) =>
      tinted("button", sum, most, written(sum, 2), {
        type: "button",
        "data-key": `channel${i}`,
        "aria-label": `${written(sum, 2)} by map ${i}`,
        "aria-pressed": String(i === chosen),
        onclick: () => context.chooseChannel(i),
      }));
    return element("div", { class: "draw-channels" }, ...buttons);
  }

  function activationLine(activation, before, value) {
    if (activation === "relu") {
      return total(`ReLU: the larger of 0 and ${written(before)} = `, element("b", {}, written(value)));
    }
    if (activation === "sigmoid") {
      const power = exponential(written(-before));
      return total("Sigmoid: 1 / (1 + ", power, ") = ", element("b", {}, written(value)));
    }
    return element("span");
  }

  function whyPool({ window, best, before, activation, value }, { isOff }) {
    const parts = [
      square("Four neighbours", window, 2, best),
      total(`The largest of the four: ${written(before)}`),
    ];
    if (isOff) parts.push(total("This map is switched off: it counts as ", element("b", {}, "0"), "."));
    else parts.push(activationLine(activation, before, value));
    return parts;
  }

  function whyDense({ parts, bias, before, activation, value }, context) {
    const byStrength = [...parts].sort((a, b) => Math.abs(b.product) - Math.abs(a.product));
    const listed = byStrength.slice(0, LISTED);
    const rest = byStrength.slice(LISTED).reduce((sum, part) => sum + part.product, 0);
    const rows = listed.map(({ unit, input, weight, product }) =>
      element("tr", {}, element("th", { scope: "row" }, context.nameInput(unit)),
        ...[input, weight, product].map((v) => element("td", {}, written(v)))));
    const sums = [[`the other ${parts.length - listed.length}`, rest], ["bias", bias]].map(([name, v]) =>
      element("tr", {}, element("th", { scope: "row", colspan: 3 }, name), element("td", {}, written(v))));
    const head = element("tr", {}, ...["from", "value", "weight", "product"].map((t) => element("th", { scope: "col" }, t)));
    const last = activation ? [total(`Sum of all: ${written(before)}`), activationLine(activation, before, value)]
      : [total("Sum of all, the logit: ", element("b", {}, written(value)))];
    return [
      sentence(`It reads all ${parts.length} values of ${context.inputName}. The strongest products:`),
      element("table", { class: "draw-list" }, element("thead", {}, head), element("tbody", {}, ...rows, ...sums)),
      ...last,
    ];
  }

  function whySoftmax({ logits, powers, top, total: sum, value }, { unit }) {
    const rows = logits.map((z, digit) => {
      const cells = [written(z), writtenSmall(powers[digit]), writtenSmall(powers[digit] / sum)];
      const row = element("tr", {}, element("th", { scope: "row" }, String(digit)), ...cells.map((t) => element("td", {}, t)));
      if (digit === unit.map) row.setAttribute("aria-current", "true");
      return row;
    });
    const head = element("tr", {},
      element("th", { scope: "col" }, "digit"), element("th", { scope: "col" }, "logit z"),
      element("th", { scope: "col" }, exponential("z − m")), element("th", { scope: "col" }, "p"));
    return [
      sentence("Every logit z is raised to a power and divided by the sum of all ten. "
        + `First the largest logit, m = ${written(top)}, is taken off: that changes no p, and keeps the powers small.`),
      element("table", { class: "draw-list" }, element("thead", {}, head), element("tbody", {}, ...rows)),
      total(`Sum of the ten powers: ${written(sum)}`),
      total("p = ", writtenSmall(powers[unit.map]), ` / ${written(sum)} = `, element("b", {}, writtenSmall(value))),
    ];
  }

  const WHY = { conv: whyConv, pool: whyPool, dense: whyDense, softmax: whySoftmax };

  // The panel ---------------------------------------------------------------------------------------

  function nameUnit({ layer, map, row, column }, result) {
    if (result.kind === "softmax") return `Probability of ${map}`;
    if (layer === "out") return `Logit of ${map}`;
    if (result.side === 1) return `${layer}, unit ${map}`;
    return `${layer}, map ${map}, row ${row}, column ${column}`;
  }

  /** "map 3 (1, 2)" for the values of a layer of maps, "unit 7" for those of a dense one. */
  function inputNamer(input) {
    const size = input.side * input.side;
    return (unit) => {
      if (input.side === 1) return `unit ${unit}`;
      const place = unit % size;
      return `map ${Math.floor(unit / size)} (${Math.floor(place / input.side)}, ${place % input.side})`;
    };
  }

  function fieldLine(results, unit) {
    const field = seenBy(results, unit);
    if (!field) return sentence("It sees the whole picture.");
    const { row, column, size } = field;
    return sentence(`It sees ${size} × ${size} pixels of the picture: rows ${row} to ${row + size - 1}, `
      + `columns ${column} to ${column + size - 1}. They are framed.`);
  }

  /** What dropout did to the unit in train mode; nothing elsewhere. */
  function dropoutLine(network, results, unit) {
    const after = Object.values(results).find((r) => r.kind === "dropout" && r.from === unit.layer && r.kept);
    if (!after) return [];
    const { kept, before, value } = explain(network, results, { ...unit, layer: after.name });
    const text = kept ? `Dropout keeps it, doubled: ${written(before)} × 2 = ${written(value)}.` : "Dropout silences it this time: 0.";
    return [sentence(text)];
  }

  const MOVES = { "←": [-1, 0, "left"], "↑": [0, -1, "up"], "↓": [0, 1, "down"], "→": [1, 0, "right"] };

  function panelButtons(unit, { isHeld, release, isOff, switchMap, move }) {
    const button = (key, text, onclick, more = {}) =>
      element("button", { type: "button", class: "draw-button", "data-key": key, onclick, ...more }, text);
    const buttons = [];
    if (move) {
      for (const [arrow, [right, down, name]] of Object.entries(MOVES)) {
        buttons.push(button(name, arrow, () => move(right, down), { "aria-label": `${arrow} one unit ${name}` }));
      }
    }
    if (switchMap) buttons.push(button("off", isOff ? `Switch map ${unit.map} on again` : `Switch map ${unit.map} off`, switchMap));
    if (isHeld) buttons.push(button("release", "Let go", release));
    return buttons;
  }

  /**
   * Fills the panel with the explanation of `unit`. `context` has isHeld and release, isOff, channel
   * and chooseChannel; switchMap where the unit's map can be switched off; move(right, down) where the
   * unit has neighbours. The focus stays on the same button.
   */
  function showWhy(panel, network, results, unit, context) {
    const result = results[unit.layer];
    const answer = explain(network, results, unit);
    const input = results[result.from];
    // Dropout has no picture of its own: its values are shown as those of the layer before it.
    const inputName = input.kind === "dropout" ? input.from : input.name;
    const known = { ...context, unit, inputName, nameInput: inputNamer(input) };
    const parts = [
      element("h3", {}, nameUnit(unit, result)),
      ...(result.kind === "softmax" ? [] : [fieldLine(results, unit)]),
      ...WHY[result.kind](answer, known),
      ...dropoutLine(network, results, unit),
      element("p", { class: "draw-hint" }, "Numbers are rounded to three decimals, so the last one may be off by one."),
      element("div", { class: "draw-row" }, ...panelButtons(unit, context)),
    ];
    const focused = panel.contains(document.activeElement) ? document.activeElement.dataset.key : null;
    panel.replaceChildren(...parts);
    const sameButton = panel.querySelector(`[data-key="${focused}"]`);
    if (focused) (sameButton ?? panel.closest("[tabindex]")).focus({ preventScroll: true });
  }

  Object.assign(globalThis.mnistconv, { written, writtenSmall, element, nameUnit, showWhy });
})();

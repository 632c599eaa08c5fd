// What the network answers: a sentence, ten logits, ten probabilities; in train mode a tally.
"use strict";

globalThis.mnistconv = globalThis.mnistconv ?? {};

(() => {
  const m = globalThis.mnistconv;
  const REMEMBERED = 20; // answers in train mode
  const LAYERS = { logit: "out", probability: "probabilities" };

  /** A probability in percent; as it is never 0 or 1, it is never called 0.0 or 100.0 %. */
  function share(probability) {
    let text = (100 * probability).toFixed(1);
    if (probability > 0.999) text = "> 99.9";
    if (probability < 0.001) text = "< 0.1";
    return `${text} %`.replaceAll(" ", "\u00a0"); // never broken over two lines
  }

  /** "a 7", "an 8". */
  const aDigit = (digit) => `${digit === 8 ? "an" : "a"} ${digit}`;

  const isEmpty = ({ input }) => input.values.every((value) => value === 0);

  function sentenceOf(results) {
    const { values } = results.probabilities;
    const digit = m.argmax(values);
    if (!isEmpty(results)) return `It reads ${aDigit(digit)} (${share(values[digit])}).`;
    return `Nothing is drawn. A network must choose all the same: ${digit}, ${share(values[digit])}.`;
  }

  /** "3 (12×), 8 (8×)": which answers there were, the most frequent first. */
  function tallyOf(answers) {
    const counts = new Map();
    for (const one of answers) counts.set(one, (counts.get(one) ?? 0) + 1);
    return [...counts].sort((a, b) => b[1] - a[1]).map(([one, count]) => `${one} (${count}×)`).join(", ");
  }

  /**
   * The part of the page that shows the answer. `workOut(unit)` is called when the reader asks why a
   * logit or a probability is what it is. Returns `show(view)`.
   */
  function makeAnswer({ sentence, bars, tally, workOut }) {
    const rows = [...bars.querySelectorAll("tr")];
    const shownLayers = Object.keys(LAYERS).filter((name) => bars.querySelector(`.draw-${name}`)); // the front page has no logits
    let answers = []; // the last ones in train mode
    let shown = {};

    rows.forEach((row, digit) => {
      for (const name of shownLayers) {
        const unit = { layer: LAYERS[name], map: digit, row: 0, column: 0 };
        row.querySelector(`.draw-${name}`).addEventListener("click", () => workOut(unit));
      }
    });
    moveByArrows(rows.map((row) => [...row.querySelectorAll("button")]));

    function fill(button, value, length, text) {
      button.style.setProperty("--share", Math.abs(length).toFixed(4));
      button.classList.toggle("negative", value < 0);
      const place = button.querySelector("span");
      if (place.textContent === text) return;
      place.textContent = text;
      button.setAttribute("aria-label", `${text}. ${button.dataset.question}`);
    }

    function fillBars({ out, probabilities }, best) {
      const most = Math.max(1, ...out.values.map(Math.abs));
      rows.forEach((row, i) => {
        row.classList.toggle("draw-best", i === best);
        const [logit, probability] = [out.values[i], probabilities.values[i]];
        const fillers = {
          logit: (button) => fill(button, logit, logit / most, m.written(logit, 2)),
          probability: (button) => fill(button, probability, probability, share(probability)),
        };
        for (const name of shownLayers) fillers[name](row.querySelector(`.draw-${name}`));
      });
    }

    return ({ results, isTraining, situation }) => {
      if (results === shown.results) return;
      const digit = m.argmax(results.probabilities.values);
      const text = sentenceOf(results);
      if (sentence.textContent !== text) sentence.textContent = text;
      fillBars(results, isEmpty(results) ? null : digit);
      answers = isTraining ? [...(situation === shown.situation ? answers : []), digit].slice(-REMEMBERED) : [];
      if (tally) tally.textContent = isTraining ? `The last ${answers.length} answers: ${tallyOf(answers)}.` : "";
      shown = { results, situation };
    };
  }

  /** Makes a grid of buttons, a list of rows, one stop for Tab: the arrows move within it. */
  function moveByArrows(grid) {
    const buttons = grid.flat();
    const makeStop = (stop) => buttons.forEach((button) => (button.tabIndex = button === stop ? 0 : -1));

    makeStop(buttons[0]);
    grid.forEach((row, down) => row.forEach((button, right) => {
      button.addEventListener("focus", () => makeStop(button));
      button.addEventListener("keydown", (event) => {
        if (!(event.key in m.ARROWS)) return;
        event.preventDefault();
        const [x, y] = m.ARROWS[event.key];
        grid[down + y]?.[right + x]?.focus();
      });
    }));
  }

  Object.assign(m, { makeAnswer, sentenceOf, share, aDigit, moveByArrows });
})();

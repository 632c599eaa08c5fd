// "Predict" boxes: the reader's guess first, then what the cells below printed, side by side.
"use strict";

globalThis.mnistconv = globalThis.mnistconv ?? {};

(() => {
  const m = globalThis.mnistconv;
  const page = document.documentElement;

  // What the browser keeps, if it allows it ---------------------------------------------------------

  const name = `predict:${location.pathname.split("/").at(-1)}`;

  function read(key) {
    try {
      return localStorage.getItem(key);
    } catch {
      return null;
    }
  }

  function write(key, value) {
    try {
      if (value === null) localStorage.removeItem(key);
      else localStorage.setItem(key, value);
    } catch { /* full, or not allowed: it holds until the page is left */ }
  }

  /** What the reader has said on this page: key of a question -> {said, isOpen}. */
  function readKept() {
    try {
      return { ...JSON.parse(read(name)) };
    } catch {
      return {};
    }
  }

  let kept = readKept();

  function keep(key, what) {
    kept[key] = { ...kept[key], ...what };
    write(name, JSON.stringify(kept));
  }

  // Guesses -------------------------------------------------------------------------------------------

  /** The number in a text such as "1,200", "12 %", ".5", "0,5" or "1e-4"; NaN where there is none. */
  function readNumber(text) {
    const bare = text.trim().replace(/[−–]/g, "-").replace(/(?<=\d)\s(?=\d{3}(\D|$))/g, "")
      .replace(/^([-+]?\d{1,3})((,\d{3})+)(?=\D*$|\.)/, (_, first, rest) => first + rest.replaceAll(",", ""))
      .replace(",", ".");
    const found = /^([-+]?(?:\d+\.?\d*|\.\d+)(?:e[-+]?\d+)?)\s*\D*$/i.exec(bare);
    return found ? Number(found[1]) : NaN;
  }

  /** How a guess compares with a computed answer: "right", "close", or where it lies. */
  function compareNumber(guess, { low, high }) {
    if (guess >= low && guess <= high) return "right";
    const end = guess < low ? low : high;
    if (Math.abs(guess - end) <= 0.1 * Math.abs(end)) return "close";
    return guess < low ? "too low" : "too high";
  }

  const KINDS = {
    number: {
      said: (form) => form.querySelector("input").value.trim(),
      show: (form, said) => { form.querySelector("input").value = said; },
      problem: (said) => (Number.isNaN(readNumber(said)) ? "A number, please, such as 12 or 0.5." : ""),
      verdict: (said, answer) => compareNumber(readNumber(said), answer),
    },
    choice: {
      said: (form) => form.querySelector("input:checked")?.value ?? "",
      show(form, said) {
        for (const input of form.querySelectorAll("input")) input.checked = input.value === said;
      },
      problem: () => "",
      verdict: (said, { right }) => (said === right ? "right" : "wrong"),
    },
    order: {
      said: (form) => (placed(form).length === items(form).length ? placed(form).map((b) => b.value).join(", ") : ""),
      show(form, said) {
        const order = said ? said.split(", ") : [];
        for (const item of items(form)) place(item, order.indexOf(item.value) + 1);
      },
      problem: () => "",
      verdict: (said, { order }) => (said === order.join(", ") ? "right" : "wrong"),
    },
  };
  KINDS.moreorless = KINDS.choice;

  const items = (form) => [...form.querySelectorAll(".predict-item")];
  const placed = (form) => items(form).filter((b) => b.dataset.place).sort((a, b) => a.dataset.place - b.dataset.place);

  /** Gives an item of an order its place, from 1; none for 0. */
  function place(item, number) {
    if (number) item.dataset.place = number;
    else delete item.dataset.place;
    item.setAttribute("aria-pressed", String(number > 0));
    item.setAttribute("aria-label", number ? `${item.value}, place ${number}` : item.value);
  }

  /** A press puts an item next in the order; a second press takes it, and all after it, out again. */
  function press(form, item) {
    const order = placed(form);
    const at = order.indexOf(item);
    if (at < 0) place(item, order.length + 1);
    else for (const after of order.slice(at)) place(after, 0);
  }

  /** What is set beside the outcome: "You said 10; it was 26 to 40: too low." */
  function sentenceOf(said, answer, verdict) {
    if (!said) return `It was ${answer.shown}.`;
    if (verdict === "right") return said === answer.shown ? `You said ${said}: right.` : `You said ${said}: right. It was ${answer.shown}.`;
    const how = verdict === "wrong" ? "" : `: ${verdict}`;
    return `You said ${said}; it was ${answer.shown}${how}.`;
  }

  // A button "Run", with the forms that wait for it --------------------------------------------------

  const boxesAndRuns = [...document.querySelectorAll(".admonition.predict, .predict-run")];
  const isRun = (part) => part.classList.contains("predict-run");

  /** The box of a button, and those before it that have no button of their own. */
  function boxesOf(run) {
    const before = boxesAndRuns.slice(0, boxesAndRuns.indexOf(run));
    return before.slice(before.findLastIndex(isRun) + 1);
  }

  /** What a button uncovers: the output below it, and what follows that. */
  function veilsOf(run) {
    const around = run.closest(".cell") ?? run;
    return [run.nextElementSibling, around.nextElementSibling].filter((part) => part?.classList.contains("veil"));
  }

  const NO_GUESS = "Your guess first? Press Run once more to see it without.";

  const saidIn = (form) => KINDS[form.dataset.kind].said(form);
  const problemOf = (form) => (saidIn(form) ? KINDS[form.dataset.kind].problem(saidIn(form)) : NO_GUESS);

  /** The line that sets a guess beside the outcome. */
  function resultOf(form) {
    const said = saidIn(form);
    const answer = JSON.parse(form.dataset.answer);
    const verdict = said && KINDS[form.dataset.kind].verdict(said, answer);
    const line = document.createElement("li");
    line.textContent = sentenceOf(said, answer, verdict);
    if (said) line.dataset.verdict = verdict === "right" ? "right" : "other";
    return line;
  }

  function makeRun(run) {
    const [button, again, results] = run.children;
    const forms = boxesOf(run).flatMap((box) => [...box.querySelectorAll(".predict-form")]);
    const veils = veilsOf(run);
    const { key } = run.dataset;
    let mayGoWithout = false; // whether the reader has been told that a guess is missing

    /** Shows what is kept: guesses, and whether the answer lies open. */
    function show() {
      const isOpen = kept[key]?.isOpen ?? false;
      mayGoWithout = false;
      for (const form of forms) {
        KINDS[form.dataset.kind].show(form, kept[form.dataset.key]?.said ?? "");
        form.querySelector(".predict-hint[role]").textContent = "";
        for (const part of form.querySelectorAll("input, button")) part.disabled = isOpen;
      }
      for (const veil of veils) veil.classList.toggle("open", isOpen);
      run.classList.toggle("done", isOpen);
      button.hidden = isOpen;
      again.hidden = !isOpen;
      results.replaceChildren(...(isOpen ? forms.map(resultOf) : []));
    }

    function askFor(form) {
      form.querySelector(".predict-hint[role]").textContent = problemOf(form);
      form.querySelector("input, button").focus();
      mayGoWithout = problemOf(form) === NO_GUESS;
    }

    function uncover() {
      const lacking = forms.find(problemOf);
      if (lacking && !(mayGoWithout && problemOf(lacking) === NO_GUESS)) {
        askFor(lacking);
        return;
      }
      for (const form of forms) keep(form.dataset.key, { said: saidIn(form) });
      keep(key, { isOpen: true });
      show();
      again.focus({ preventScroll: true });
    }

    function cover() {
      keep(key, { isOpen: false });
      show();
      button.focus({ preventScroll: true });
    }

    function listen(form) {
      form.addEventListener("submit", (event) => event.preventDefault());
      form.addEventListener("keydown", (event) => {
        if (event.key !== "Enter" || (event.target.matches("button") && !event.shiftKey)) return;
        event.preventDefault();
        uncover();
      });
      for (const item of items(form)) item.addEventListener("click", () => press(form, item));
    }

    button.addEventListener("click", uncover);
    again.addEventListener("click", cover);
    forms.forEach(listen);
    show();
    return { show, key, isOver: (element) => veils.some((veil) => veil.contains(element)) };
  }

  // The page --------------------------------------------------------------------------------------------

  const runs = [...document.querySelectorAll(".predict-run")].map(makeRun);
  const box = document.querySelector(".predict-switch");
  const isCovering = box.querySelector("input");

  isCovering.checked = page.classList.contains("predicting");
  isCovering.addEventListener("change", () => {
    page.classList.toggle("predicting", isCovering.checked);
    write("predict", isCovering.checked ? null : "open");
  });
  box.querySelector("button").addEventListener("click", () => {
    kept = {};
    write(name, null);
    for (const run of runs) run.show();
    dispatchEvent(new Event("predict-forget"));
  });

  /** A link that leads under a veil lifts it. */
  function followLink() {
    const target = document.querySelector(":target");
    const run = runs.find(({ isOver }) => target && isOver(target));
    if (!run) return;
    keep(run.key, { isOpen: true });
    run.show();
    target.scrollIntoView();
  }
  addEventListener("hashchange", followLink);
  followLink();

  const keptAnswer = (key) => kept[key]?.said;
  const keepAnswer = (key, said) => keep(key, { said });
  Object.assign(m, { readNumber, compareNumber, sentenceOf, keptAnswer, keepAnswer });
})();

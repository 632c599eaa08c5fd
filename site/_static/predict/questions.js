// The questions at the end of a chapter: each choice answers with its reason.
"use strict";

(() => {
  const m = globalThis.mnistconv;
  const letterOf = (item) => item.querySelector("strong").textContent;

  function element(tag, attributes, ...children) {
    const made = document.createElement(tag);
    for (const [name, value] of Object.entries(attributes)) made.setAttribute(name, value);
    made.append(...children);
    return made;
  }

  /** The parts of a question as the page has them without a script. */
  function partsOf(place) {
    const details = place.querySelector("details");
    const reasons = [...details.querySelectorAll("li")].map((item) => [letterOf(item), item.querySelector("p") ?? item]);
    const options = [...place.querySelectorAll("li")].filter((item) => !details.contains(item));
    return { details, options, why: details.querySelector("p"), reasons: new Map(reasons) };
  }

  /** A reason, or the right answer, without the letter that it begins with. */
  function copyOf(reason) {
    const copy = element("span", {}, ...[...reason.childNodes].map((node) => node.cloneNode(true)));
    copy.querySelector("strong").remove();
    copy.firstChild.textContent = copy.firstChild.textContent.replace(/^\.?\s+/, "");
    return copy;
  }

  function makeQuestion(place, index) {
    const { details, options, why, reasons } = partsOf(place);
    const { right } = place.dataset;
    const key = `question${index}`;
    const reply = element("p", { class: "question-reply", role: "status" });
    details.hidden = true;
    details.before(reply);

    /** Answers what was said with its reason; nothing as long as nothing was said. */
    function answer(isRight, reason) {
      reply.replaceChildren(...(reason ? [element("b", {}, isRight ? "Right. " : "No. "), reason] : []));
      reply.dataset.verdict = isRight ? "right" : "other";
    }

    function makeChoices() {
      const inputs = options.map((option) => {
        const input = element("input", { type: "radio", name: key, value: letterOf(option) });
        const label = element("label", {}, input, ...option.childNodes);
        option.replaceChildren(label);
        input.addEventListener("change", () => choose(input.value));
        return input;
      });
      return (said) => {
        for (const input of inputs) input.checked = input.value === said;
        const reason = said === right ? why : reasons.get(said);
        answer(said === right, reason && copyOf(reason));
      };
    }

    function makeNumber() {
      const input = element("input", { type: "text", inputmode: "decimal", autocomplete: "off", size: 9 });
      const button = element("button", { type: "submit", class: "predict-button" }, "Check");
      const form = element("form", { class: "question-number" }, element("label", {}, "Your answer: ", input), " ", button);
      details.before(form);
      form.after(reply);
      form.addEventListener("submit", (event) => {
        event.preventDefault();
        if (Number.isNaN(m.readNumber(input.value))) reply.textContent = "A number, please, such as 12 or 0.5.";
        else choose(input.value.trim());
      });
      return (said) => {
        input.value = said;
        const isRight = m.readNumber(said) === m.readNumber(right);
        answer(isRight, !said ? null : isRight ? copyOf(why) : "Once more? The answer below says why.");
        details.hidden = !said || isRight;
      };
    }

    const show = options.length ? makeChoices() : makeNumber();

    function choose(said) {
      m.keepAnswer(key, said);
      show(said);
    }

    show(m.keptAnswer(key) ?? "");
    addEventListener("predict-forget", () => show(""));
  }

  document.querySelectorAll(".question").forEach(makeQuestion);
})();

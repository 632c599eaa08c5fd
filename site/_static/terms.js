// What a term of the glossary means, beside its link: for the pointer, the keyboard, and a finger.
"use strict";

(() => {
  const PATIENCE = 200; // milliseconds: a pointer that only passes by opens and closes nothing
  const GAP = 6; // pixels between link and note
  const MARGIN = 8; // pixels between note and window

  const note = document.createElement("div");
  note.className = "term-note";
  note.setAttribute("aria-hidden", "true"); // a screen reader reads the link's description
  note.hidden = true;
  document.body.append(note);

  let link = null; // whose note is shown
  let timer = null;
  let wasOpen = false; // when the pointer went down

  const termAt = (target) => target.closest?.("a[aria-describedby^='about-term-']");

  function show(wanted) {
    clearTimeout(timer);
    link = wanted;
    note.textContent = document.getElementById(link.getAttribute("aria-describedby")).textContent;
    note.hidden = false;
    place();
  }

  function hide() {
    clearTimeout(timer);
    link = null;
    note.hidden = true;
  }

  /** Below the link's first line, or above it where the window ends; never beyond an edge. */
  function place() {
    const line = link.getClientRects()[0];
    const { clientWidth, clientHeight } = document.documentElement;
    const { width, height } = note.getBoundingClientRect();
    const left = Math.max(MARGIN, Math.min(line.left, clientWidth - width - MARGIN));
    const below = line.bottom + GAP;
    const isAbove = below + height > clientHeight && line.top - GAP - height > 0;
    const top = isAbove ? line.top - GAP - height : below;
    note.style.left = `${left + scrollX}px`;
    note.style.top = `${top + scrollY}px`;
  }

  function soon(action, ...given) {
    clearTimeout(timer);
    timer = setTimeout(action, PATIENCE, ...given);
  }

  document.addEventListener("pointerover", (event) => {
    if (event.pointerType === "touch") return;
    const term = termAt(event.target);
    if (note.contains(event.target) || (term && term === link)) clearTimeout(timer);
    else if (term) soon(show, term);
    else soon(() => link !== document.activeElement && hide());
  });
  document.addEventListener("focusin", (event) => {
    const term = termAt(event.target);
    if (term) show(term);
    else if (link) hide();
  });
  document.addEventListener("focusout", (event) => event.target === link && hide());
  document.addEventListener("keydown", (event) => event.key === "Escape" && hide());

  // A finger: the first tap explains, the second one follows the link, a tap elsewhere closes.
  document.addEventListener("pointerdown", (event) => {
    const term = termAt(event.target);
    wasOpen = Boolean(term) && term === link;
    if (!term && !note.contains(event.target)) hide();
  });
  document.addEventListener("click", (event) => {
    const term = termAt(event.target);
    if (!term || event.pointerType !== "touch" || wasOpen) return;
    event.preventDefault();
    show(term);
  });
  addEventListener("resize", () => link && place());
})();

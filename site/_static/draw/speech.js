// What a screen reader is told: one live region, filled when the page has come to rest.
"use strict";

globalThis.mnistconv = globalThis.mnistconv ?? {};

(() => {
  const REST = 700; // milliseconds without anything new before an answer is said

  /** A voice in the live region `place`: `now(text)`, or `atRest(text)`, of which the last one counts. */
  function makeVoice(place) {
    let timer = null;

    const now = (text) => {
      clearTimeout(timer);
      place.textContent = text;
    };
    const atRest = (text) => {
      clearTimeout(timer);
      timer = setTimeout(now, REST, text);
    };
    return { now, atRest };
  }

  Object.assign(globalThis.mnistconv, { makeVoice });
})();

// What a screen reader is told: one live region, filled when the page has come to rest.
"use strict";

globalThis.mnistconv = globalThis.mnistconv ?? {};

(() => {
  const REST = 700; // milliseconds without anything new before an answer is said

  /**
   * A voice in the live region `place`: `now(text)`, or `atRest(text)`, of which the last one counts.
   * What waits for rest is said, whatever is said meanwhile: the pen is lifted, then comes the answer.
   */
  function makeVoice(place) {
    let timer = null;
    let waiting = null;

    function waitForRest() {
      clearTimeout(timer);
      timer = setTimeout(() => {
        place.textContent = waiting;
        waiting = null;
      }, REST);
    }

    const now = (text) => {
      place.textContent = text;
      if (waiting !== null) waitForRest();
    };
    const atRest = (text) => {
      waiting = text;
      waitForRest();
    };
    return { now, atRest };
  }

  Object.assign(globalThis.mnistconv, { makeVoice });
})();

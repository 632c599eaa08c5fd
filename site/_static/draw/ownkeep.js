// Your own test set: kept in the browser, saved as a file, loaded, deleted. It is sent nowhere.
"use strict";

globalThis.mnistconv = globalThis.mnistconv ?? {};

(() => {
  const m = globalThis.mnistconv;
  const KEY = "mnistconv-own-test-set";
  const PAUSE = 400; // milliseconds without change before the browser is given the set to keep
  const LARGEST = 4_000_000; // bytes of a file; twenty digits have about thirty thousand

  /** What the browser has kept, as fields of the state: storage may be blocked, its contents broken. */
  function recall() {
    let text;
    try {
      text = localStorage.getItem(KEY);
      if (localStorage.isStandIn) return { isKept: false };
    } catch {
      return { isKept: false };
    }
    try {
      return text === null ? {} : { own: m.readSet(text) };
    } catch (problem) {
      return { ownNote: `The test set that this browser kept cannot be read: ${problem.message}.` };
    }
  }

  /** Gives the browser the set to keep, or lets it forget an empty one: whether it could. */
  function remember(own) {
    try {
      if (m.countWritten(own)) localStorage.setItem(KEY, m.writeSet(own));
      else localStorage.removeItem(KEY);
      return !localStorage.isStandIn;
    } catch {
      return false;
    }
  }

  /** Keeps the set of `store` in the browser, and in step with other windows that show this page. */
  function keepOwn(store) {
    let timer = null;

    const write = () => {
      clearTimeout(timer);
      timer = null;
      const isKept = remember(store.state.own);
      if (isKept !== store.state.isKept) store.change({ isKept });
    };
    store.listen((state, before) => {
      if (state.own === before.own) return;
      clearTimeout(timer);
      timer = setTimeout(write, PAUSE);
    });
    addEventListener("pagehide", () => timer !== null && write());
    addEventListener("storage", ({ key, newValue }) => {
      if (key !== KEY) return;
      const { own = m.newSet() } = newValue === null ? {} : recall();
      store.change(m.replaceSet(store.state, own, "Another window of this page has changed the set."));
    });
  }

  /** The set in a file. Rejects, with a reason for the reader, when there is none in it. */
  async function readFile(file) {
    if (file.size > LARGEST) throw new Error(`it has ${(file.size / 1e6).toFixed(0)} MB, and a set has far less than one`);
    return m.readSet(await file.text());
  }

  function save(own) {
    const address = URL.createObjectURL(new Blob([m.writeSet(own)], { type: "application/json" }));
    m.element("a", { href: address, download: "my-digits.json" }).click();
    setTimeout(() => URL.revokeObjectURL(address), 60_000);
  }

  /** The buttons that save, load, delete and bring back. Returns `show(view)`. */
  function makeOwnKeep({ $, store, voice }) {
    const change = (fields) => {
      store.change(fields);
      voice.now(store.state.ownNote);
    };

    $("own-save").addEventListener("click", () => save(store.state.own));
    $("own-load").addEventListener("change", async () => {
      const [file] = $("own-load").files;
      if (!file) return;
      try {
        const own = await readFile(file);
        change(m.replaceSet(store.state, own, `${m.countWritten(own)} digits loaded.`));
      } catch (problem) {
        change({ ownNote: `This file was not loaded, and nothing was changed: ${problem.message}.` });
      }
      $("own-load").value = ""; // so that the same file can be chosen again
    });
    $("own-delete").addEventListener("click", () => {
      change(m.replaceSet(store.state, m.newSet(), "Deleted, here and in what this browser keeps. A new set begins."));
      $("own-restore").hidden = false;
      $("own-restore").focus();
    });
    $("own-restore").addEventListener("click", () => {
      const { ownBefore } = store.state;
      change(m.replaceSet({ ...store.state, ownBefore: null }, ownBefore, "The set is back."));
      $("own-delete").disabled = false;
      $("own-delete").focus();
    });

    return ({ state: { own, ownBefore, ownNote, isKept } }) => {
      $("own-save").disabled = $("own-delete").disabled = m.countWritten(own) === 0;
      $("own-restore").hidden = ownBefore === null;
      m.setText($("own-note"), ownNote);
      m.setText($("own-kept"), isKept
        ? "Your drawings are kept in this browser alone. Nothing is sent anywhere."
        : "This browser lets the page keep nothing: save your set before you leave. Nothing is sent anywhere.");
    };
  }

  Object.assign(m, { recallOwn: recall, keepOwn, makeOwnKeep });
})();

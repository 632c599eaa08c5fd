// The address bar: shows the state as a link, and brings the state of a link onto the page.
"use strict";

globalThis.mnistconv = globalThis.mnistconv ?? {};

(() => {
  const m = globalThis.mnistconv;
  const PAUSE = 400; // milliseconds without change before the address follows: browsers allow few changes

  // A three and one unit worked out, so that there is something to see before anything is drawn.
  const EXAMPLE = m.readState("unit=pool1.5.5.6&ink=GFJEWT9dPGI5aDZuNXUzfDODM4o1kTeWOps9nkKhR6JRoVeeXJthl2a"
    + "Tao1tiHCDc3p2dHh7eoB6hnyMfpKBmYSeiKOMppGpl6udq6Sqqqiwpraiu57AmMSSx4zKhcx-zHfMb8xpymLHXMRXwVG5TbQ", []);

  function addressText() {
    try {
      return decodeURIComponent(location.hash.slice(1));
    } catch {
      return "";
    }
  }

  /** The state of the address, for one of the networks `names`; with the example's unit where it has no ink. */
  function readAddress(names) {
    const next = m.readState(addressText(), names);
    const isHeld = next.unit !== null;
    if (m.isExample(next)) next.unit ??= EXAMPLE.unit;
    return { ...next, isHeld };
  }

  /** Keeps the address at the state of `store`, a moment behind it. */
  function keepAddress(store) {
    let timer = null;
    let known = location.hash; // where it is another, a link was followed, and is about to be read

    const write = () => {
      timer = null;
      if (location.hash !== known) return;
      const { state } = store;
      const text = m.writeState({ ...state, unit: state.isHeld ? state.unit : null });
      if (`#${text}` !== location.hash) history.replaceState(null, "", `#${text}`);
      known = location.hash;
    };
    addEventListener("hashchange", () => { known = location.hash; });
    store.listen(() => (timer ??= setTimeout(write, PAUSE)));
  }

  Object.assign(m, { EXAMPLE, readAddress, keepAddress });
})();

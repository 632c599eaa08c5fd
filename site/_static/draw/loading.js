// What the page loads when it needs it: the list of networks, weights, test digits.
"use strict";

globalThis.mnistconv = globalThis.mnistconv ?? {};

(() => {
  const m = globalThis.mnistconv;
  const FOLDER = document.currentScript.src.replace(/[^/]*$/, "");

  // The loaded scripts hand their contents over here, until they are taken into use.
  const inbox = new Map();
  m.receiveList = (list) => inbox.set("networks", [list]);
  m.receiveNetwork = (header, text) => inbox.set(header.name, [header, text]);
  m.receiveDigits = (header, text) => inbox.set("digits", [header, text]);

  /** What the script NAME.js hands over. Rejects when the file is missing or not whole. */
  function load(name) {
    return new Promise((resolve, reject) => {
      const script = document.createElement("script");
      script.src = `${FOLDER}${name}.js`;
      script.onload = () => {
        const handed = inbox.get(name);
        inbox.delete(name);
        if (handed) resolve(handed);
        else reject(new Error("the file is not whole"));
      };
      script.onerror = () => reject(new Error("the file is missing"));
      document.head.append(script);
    });
  }

  /** `make`, done once: later calls get the same promise, unless it failed. */
  function once(make) {
    const made = new Map();
    return (name) => {
      if (!made.has(name)) {
        made.set(name, make(name).catch((problem) => {
          made.delete(name);
          throw problem;
        }));
      }
      return made.get(name);
    };
  }

  /** The networks that the site has, as the export describes them. Rejects when there is none. */
  const loadList = once(async () => {
    const [list] = await load("networks");
    if (!list.length) throw new Error("it is empty");
    return list;
  });

  /** The network NAME, ready to answer. */
  const loadNetwork = once(async (name) => {
    const list = await loadList();
    const [header, text] = await load(name);
    return m.makeNetwork(list.find((network) => network.name === name), m.readWeights(header, text));
  });

  /** The test digits: `numbers`, `labels`, `ordinary`, `doubtful`, `wrong`, and `pixels`, one byte each. */
  const loadDigits = once(async () => {
    const [header, text] = await load("digits");
    const packed = new Blob([m.bytesOf(text)]).stream().pipeThrough(new DecompressionStream("gzip"));
    const pixels = new Uint8Array(await new Response(packed).arrayBuffer());
    if (pixels.length !== header.numbers.length * m.SIDE ** 2) throw new Error("the file is not whole");
    return { ...header, pixels };
  });

  Object.assign(m, { loadList, loadNetwork, loadDigits, fileOf: (name) => `${FOLDER}${name}` });
})();

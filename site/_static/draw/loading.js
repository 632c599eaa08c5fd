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

  const loaders = {
    /** The networks that the site has, as the export describes them. Rejects when there is none. */
    async networks() {
      const [list] = await load("networks");
      if (!list.length) throw new Error("it is empty");
      return list;
    },
    /** The test digits: `numbers`, `labels`, `ordinary`, `doubtful`, `wrong`, and `pixels`, one byte each. */
    async digits() {
      const [header, text] = await load("digits");
      const packed = new Blob([m.bytesOf(text)]).stream().pipeThrough(new DecompressionStream("gzip"));
      const pixels = new Uint8Array(await new Response(packed).arrayBuffer());
      if (pixels.length !== header.numbers.length * m.SIDE ** 2) throw new Error("the file is not whole");
      return { ...header, pixels };
    },
  };

  /**
   * What the page has loaded. `get(name)` gives it, or nothing as long as it is not here; `bring(name)`
   * promises it, or nothing when it cannot be had. It is loaded once, again only after a failure.
   * Names are "networks", "digits", and those of networks. `tell(name, problem)` is called when
   * something has arrived, or could not.
   */
  function makeShelf(tell) {
    const here = new Map();
    const promised = new Map();

    async function network(name) {
      const [list, [header, text]] = await Promise.all([bring("networks"), load(name)]);
      const description = list?.find((one) => one.name === name);
      if (!description) throw new Error("it is not in the list");
      return m.makeNetwork(description, m.readWeights(header, text));
    }

    async function fetchIt(name) {
      try {
        here.set(name, await (loaders[name] ?? network)(name));
        tell(name, null);
      } catch (problem) {
        promised.delete(name);
        tell(name, problem);
      }
      return here.get(name);
    }

    function bring(name) {
      if (!promised.has(name)) promised.set(name, fetchIt(name));
      return promised.get(name);
    }

    return { bring, get: (name) => here.get(name) };
  }

  Object.assign(m, { makeShelf, fileOf: (name) => `${FOLDER}${name}` });
})();

// Answers questions about the site's scripts, without a browser: a line of JSON for each line.
//
//   node answer.js STATIC DATA
//
// STATIC holds the site's scripts, DATA the weights and the digits. A question is {code, given}:
// `code` is the body of a function of (m, convolution, networks, digits, pixels, given, require), m
// what the page "Draw a digit" defines. The answer is {value}, or {error} where the code throws.
"use strict";

const fs = require("node:fs");
const path = require("node:path");
const readline = require("node:readline");
const vm = require("node:vm");
const zlib = require("node:zlib");

const [scripts, data] = process.argv.slice(2);
const load = (folder, name) => {
  const filename = path.join(folder, `${name}.js`);
  vm.runInThisContext(fs.readFileSync(filename, "utf8"), { filename });
};

const computing = ["network", "prepare", "photo", "explain", "inside", "address", "state", "ownset"];
const parts = [ // of these, what touches no page
  "board", "answer", "layers", "controls", "compare", "versus", "ownboard", "owncount", "camera", "handwriting",
];
[...computing, ...parts].forEach((name) => load(path.join(scripts, "draw"), name));
load(path.join(scripts, "explorer"), "convolution");
const { mnistconv: m, convolution } = globalThis;

/** What the script `name` of DATA hands over to the page's function `receiver`. */
function received(name, receiver) {
  let found = null;
  m[receiver] = (...parts) => (found = parts);
  load(data, name);
  return found;
}

const [list] = received("networks", "receiveList");
const [digits, packed] = received("digits", "receiveDigits");
const pixels = zlib.gunzipSync(m.bytesOf(packed));
const networks = {};
for (const description of list) {
  let network = null; // read when it is first asked for
  const read = () => m.makeNetwork(description, m.readWeights(...received(description.name, "receiveNetwork")));
  Object.defineProperty(networks, description.name, { get: () => (network ??= read()) });
}

function answer({ code, given }) {
  try {
    const names = ["m", "convolution", "networks", "digits", "pixels", "given", "require"];
    const ask = new Function(...names, code);
    return { value: ask(m, convolution, networks, digits, pixels, given, require) ?? null };
  } catch (error) {
    return { error: error.stack };
  }
}

readline.createInterface({ input: process.stdin }).on("line", (line) => {
  process.stdout.write(`${JSON.stringify(answer(JSON.parse(line)))}\n`);
});

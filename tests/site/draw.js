// Runs a piece of JavaScript with the page's own scripts, weights and digits, without a browser.
//
//   node draw.js FOLDER NAME ... < code
//
// FOLDER holds the scripts, NAMEs are the networks to load. The code is the body of a function of
// (m, networks, digits, pixels); what it returns is printed as JSON.
"use strict";

const fs = require("node:fs");
const path = require("node:path");
const vm = require("node:vm");
const zlib = require("node:zlib");

const [folder, ...names] = process.argv.slice(2);
const load = (name) => vm.runInThisContext(fs.readFileSync(path.join(folder, `${name}.js`), "utf8"), { filename: name });

["network", "prepare", "explain", "address"].forEach(load);
const m = globalThis.mnistconv;
let list = [];
let digits = null;
const networks = {};
m.receiveList = (found) => (list = found);
m.receiveNetwork = (header, text) => {
  const description = list.find(({ name }) => name === header.name);
  networks[header.name] = m.makeNetwork(description, m.readWeights(header, text));
};
let pixels = null;
m.receiveDigits = (header, text) => {
  digits = header;
  pixels = zlib.gunzipSync(m.bytesOf(text));
};
["networks", ...names, "digits"].forEach(load);

const code = fs.readFileSync(0, "utf8");
const result = new Function("m", "networks", "digits", "pixels", "require", code)(m, networks, digits, pixels, require);
process.stdout.write(JSON.stringify(result));

// Where the browser lets a page keep nothing, an object of the page stands in: it forgets when the page is left.
for (const name of ["localStorage", "sessionStorage"]) {
  try {
    window[name].setItem("mnistconv-probe", "");
    window[name].removeItem("mnistconv-probe");
  } catch {
    const kept = new Map();
    const value = {
      isStandIn: true,
      getItem: (key) => kept.get(String(key)) ?? null,
      setItem: (key, text) => kept.set(String(key), String(text)),
      removeItem: (key) => kept.delete(String(key)),
      clear: () => kept.clear(),
      key: (index) => [...kept.keys()][index] ?? null,
      get length() { return kept.size; },
    };
    Object.defineProperty(window, name, { value, configurable: true });
  }
}

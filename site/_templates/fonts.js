// The two typefaces of every page, asked for before the style sheets that name them: text that
// changes its typeface moves. A page read from a folder has its fonts at once, and may not ask so.
if (location.protocol !== "file:") {
  for (const name of ["literata", "source-sans-3"]) {
    const href = document.currentScript.dataset.fonts.replace("NAME", name);
    const link = { rel: "preload", as: "font", type: "font/woff2", crossOrigin: "", href };
    document.head.append(Object.assign(document.createElement("link"), link));
  }
}

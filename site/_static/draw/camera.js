// Brings a photo into the page: from a file, the camera, a drop or the clipboard. Nothing is sent anywhere.
"use strict";

globalThis.mnistconv = globalThis.mnistconv ?? {};

(() => {
  const m = globalThis.mnistconv;

  /** Why a file is no photo, in a sentence. */
  function refusalOf({ name, type, size }) {
    const called = name || "What was dropped";
    if (!size) return `${called} is empty.`;
    if (/heic|heif/i.test(`${type} ${name}`)) {
      return `${called} is a HEIC file, as iPhones save them, and this browser cannot read it: save it as JPEG or PNG.`;
    }
    if (type.startsWith("image/svg")) return `${called} is an SVG, a drawing in lines: save it as PNG.`;
    return `${called} is not a picture that this browser can read: take a JPEG or a PNG.`;
  }

  /** What can be drawn on a canvas, made smaller by halves, so that no pixel is passed over. */
  function shrinkTo(picture, width, height) {
    let last = picture;
    let [across, down] = [picture.width, picture.height];
    while (last === picture || across > width || down > height) {
      across = Math.max(width, Math.ceil(across / 2));
      down = Math.max(height, Math.ceil(down / 2));
      const canvas = Object.assign(document.createElement("canvas"), { width: across, height: down });
      canvas.getContext("2d", { willReadFrequently: true }).drawImage(last, 0, 0, across, down);
      last = canvas;
    }
    return last;
  }

  /** The photo in a file: {name, width, height, data}, upright, at working size. Throws a sentence. */
  async function readPhoto(file) {
    if (file.type.startsWith("image/svg")) throw new Error(refusalOf(file));
    let bitmap;
    try {
      bitmap = await createImageBitmap(file, { imageOrientation: "from-image" });
    } catch {
      throw new Error(refusalOf(file));
    }
    const [width, height] = m.workingSize(bitmap.width, bitmap.height);
    const canvas = shrinkTo(bitmap, width, height);
    bitmap.close();
    const { data } = canvas.getContext("2d").getImageData(0, 0, width, height);
    return { name: file.name || "the pasted picture", width, height, data };
  }

  /**
   * Listens for photos: the file inputs `inputs`, a drop anywhere (`place` is marked meanwhile), the
   * clipboard. Tells `begin(file)`, then `show(photo)` or `refuse(sentence)`, of the latest file alone.
   */
  function listenForPhotos({ inputs, place, begin, show, refuse }) {
    let latest = null;

    async function take(file) {
      latest = file;
      begin(file);
      try {
        const photo = await readPhoto(file);
        if (file === latest) show(photo);
      } catch (problem) {
        if (file === latest) refuse(problem.message);
      }
    }

    for (const input of inputs) {
      input.addEventListener("change", () => {
        const [file] = input.files;
        if (file) take(file);
        input.value = ""; // so that the same file can be chosen again
      });
    }
    const hasFiles = ({ dataTransfer }) => dataTransfer?.types.includes("Files");
    const mark = (isOver) => place.classList.toggle("draw-over", isOver);
    // Anywhere on the page: a browser would leave it for a file that is dropped beside.
    addEventListener("dragover", (event) => {
      if (!hasFiles(event)) return;
      event.preventDefault();
      mark(true);
    });
    addEventListener("dragleave", (event) => event.relatedTarget || mark(false));
    addEventListener("drop", (event) => {
      if (!hasFiles(event)) return;
      event.preventDefault();
      mark(false);
      const [file] = event.dataTransfer.files;
      if (file) take(file);
    });
    addEventListener("paste", (event) => {
      const file = [...(event.clipboardData?.files ?? [])].find(({ type }) => type.startsWith("image/"));
      if (file) take(file);
    });
  }

  Object.assign(m, { readPhoto, refusalOf, listenForPhotos });
})();

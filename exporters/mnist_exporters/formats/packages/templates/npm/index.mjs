// Made by mnist-edge-export. Do not edit.
{{ engine }}
/* Load the model: {{ name }}.wasm beside this file, or the bytes that are given. */
export async function load(bytes) {
  return checked(await loadModule(bytes));
}

async function loadModule(bytes) {
  if (bytes) return loadEngine(bytes);
  const place = new URL("./{{ name }}.wasm", import.meta.url);
  if (place.protocol !== "file:") return loadEngine(await (await fetch(place)).arrayBuffer());
  const { readFile } = await import("node:fs/promises");
  return loadEngine(await readFile(place));
}

/* Return the model with checks of its arguments; their errors say what is wrong. */
function checked(model) {
  const { channels } = model;

  function checkBytes(pixels) {
    const kind = pixels?.[Symbol.toStringTag] ?? typeof pixels;
    if (kind === "Uint8Array" || kind === "Uint8ClampedArray") return;
    throw new TypeError(`The pixels must be bytes 0..255 in a Uint8Array, but this is ${kind}. ` +
      "Convert floats 0..1 with: Uint8Array.from(pixels, value => Math.round(255 * value))");
  }

  function classify(bytes, across, down) {
    checkBytes(bytes);
    if (!(across >= 1 && down >= 1 && across <= 640 && down <= 640)) {
      throw new RangeError(`The picture has ${across} x ${down} pixels, but must have 1 to 640 a side. Resize it.`);
    }
    const needed = across * down * channels;
    if (bytes.length !== needed) {
      const each = channels === 1 ? "one for each pixel (gray)" : "three for each pixel (red, green, blue)";
      const cure = channels === 1 ? "Convert it to gray." : "Leave the alpha out.";
      throw new RangeError(`A picture of ${across} x ${down} pixels needs ${needed} bytes, ${each}, but has ` +
        `${bytes.length}.${bytes.length === 4 * across * down ? ` This looks like RGBA, as from a canvas. ${cure}` : ""}`);
    }
    return model.classify(bytes, across, down);
  }

  function classifyImage(pixels) {
    checkBytes(pixels);
    return model.classifyImage(pixels);
  }

  return { ...model, classify, classifyImage };
}

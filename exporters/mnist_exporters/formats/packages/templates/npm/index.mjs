// Made by mnist-edge-export. Do not edit.
{{ engine }}
/* Load the model: {{ name }}.wasm beside this file, or the bytes that are given. */
export async function load(bytes) {
  if (bytes) return loadEngine(bytes);
  const place = new URL("./{{ name }}.wasm", import.meta.url);
  if (place.protocol !== "file:") return loadEngine(await (await fetch(place)).arrayBuffer());
  const { readFile } = await import("node:fs/promises");
  return loadEngine(await readFile(place));
}

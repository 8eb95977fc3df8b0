// Run model files on images in LiteRT.js or onnxruntime-web, and print their raw scores.
//
// Usage: node scores.mjs litert|onnxruntime < request.json
// Request: {"files": [path, ...], "images": [base64 of 784 pixels, ...]}. Answer: {path: scores or error message}.

import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { pathToFileURL } from "node:url";
import { runInThisContext } from "node:vm";

const SHAPE = [1, 28, 28, 1];
const LOADERS = { litert, onnxruntime };

/** LiteRT.js is made for pages and workers. This gives it what it takes from a worker. */
async function litert() {
  const require = createRequire(import.meta.url);
  const folder = join(dirname(require.resolve("@litertjs/core/package.json")), "wasm");
  Object.assign(globalThis, {
    self: globalThis,
    require,
    __dirname: folder,
    __filename: join(folder, "index.js"),
    importScripts: (url) => runInThisContext(readFileSync(new URL(url), "utf8")),
  });
  const { loadAndCompile, loadLiteRt, Tensor } = await import("@litertjs/core");
  await loadLiteRt(`${pathToFileURL(folder).href}/`);
  return async (content) => {
    const model = await loadAndCompile(content, { accelerator: "wasm" });
    return async (pixels) => {
      const [scores] = await model.run(new Tensor(pixels, SHAPE));
      return scores.toTypedArray();
    };
  };
}

async function onnxruntime() {
  const runtime = await import("onnxruntime-web");
  runtime.env.wasm.numThreads = 1;
  return async (content) => {
    const session = await runtime.InferenceSession.create(content, { executionProviders: ["wasm"] });
    const [[input], [output]] = [session.inputNames, session.outputNames];
    return async (pixels) => {
      const found = await session.run({ [input]: new runtime.Tensor("uint8", pixels, SHAPE) });
      return found[output].data;
    };
  };
}

const { files, images } = JSON.parse(readFileSync(0, "utf8"));
const load = await LOADERS[process.argv[2]]();
const answers = {};
for (const file of files) {
  try {
    const run = await load(new Uint8Array(readFileSync(file)));
    answers[file] = [];
    for (const image of images) answers[file].push(Array.from(await run(new Uint8Array(Buffer.from(image, "base64")))));
  } catch (error) {
    answers[file] = String(error);
  }
}
console.log(JSON.stringify(answers));

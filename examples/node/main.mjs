// Print the digit on a gray picture, a binary PGM file, and the confidence. The package `digits` beside this file comes from
//   mnist-export cnn --format web --quantize --package npm --output examples/node/digits.html
// Usage: node examples/node/main.mjs seven.pgm
import { readFile } from "node:fs/promises";
import { load } from "./digits/index.mjs";

const file = await readFile(process.argv[2]);
const [head, width, height] = /^P5\s+(\d+)\s+(\d+)\s+255\s/.exec(file.toString("latin1")) ?? [];
if (!head) throw new Error(`${process.argv[2]} is no binary PGM file with 255 levels.`);
const model = await load();
const { label, confidence } = model.classify(file.subarray(head.length), Number(width), Number(height));
console.log(label ?? "none", confidence.toFixed(3));

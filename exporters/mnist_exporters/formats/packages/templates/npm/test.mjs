// Check that this machine computes the proven scores, and classify one of the test images.
import { load } from "./index.mjs";

const model = await load();
const wrong = model.selfTest();
console.log(`self-test: ${wrong ? `image ${wrong} has other scores` : "passed"}`);
const [{ image, scores }] = model.golden();
const { label, confidence } = model.classifyImage(image);
const expected = model.labels[scores.indexOf(Math.max(...scores))];
console.log(`answer: ${label ?? "none"}, confidence ${(100 * confidence).toFixed(1)} %, expected ${expected}`);
process.exitCode = wrong ? 1 : 0;

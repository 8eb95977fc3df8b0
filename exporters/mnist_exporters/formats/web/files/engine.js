/* Load a WebAssembly module of mnist-export, given as `bytes`, and return an object that classifies with it. */
async function loadEngine(bytes) {
  const { module, instance } = await WebAssembly.instantiate(bytes);
  const run = instance.exports;
  const section = name => new Uint8Array(WebAssembly.Module.customSections(module, name)[0] || 0);
  const { task, manifest } = JSON.parse(new TextDecoder().decode(section("mnist-edge-export")));
  const { height, width, channels, labels, preparation } = task, size = height * width * channels;
  const memory = (place, length) => new Uint8Array(run.memory.buffer, place, length);

  /* Classify one image of the model's size, a byte for each pixel and channel. */
  function classifyImage(pixels) {
    if (pixels.length !== size) throw new RangeError(`The image has ${pixels.length} bytes, but the model takes ${size}.`);
    memory(run.image(), size).set(pixels);
    return answer(run.classify());
  }

  function answer(best) {
    const scores = labels.map((_, index) => run.score(index)), confidence = scores[best];
    const isSure = confidence >= manifest.threshold;
    return { label: isSure ? labels[best] : null, reason: isSure ? null : "unsure", confidence, scores, labels };
  }

  /* Classify a picture of any size up to 640 x 640, gray or, for a model of colors, red, green and blue. */
  function classify(bytes, across, down) {
    if (bytes.length !== across * down * channels || across < 1 || down < 1 || across > 640 || down > 640) {
      throw new RangeError(`The picture has ${bytes.length} bytes and ${across} x ${down} pixels. It must have at most 640 a side.`);
    }
    let found = preparation === "plain" ? null : handwriting(bytes, across, down);
    if (found === null) {
      if (preparation === "plain") memory(run.image(), size).set(resize(bytes, across, down, width, height, channels));
      found = answer(run.classify());
    }
    const prepared = found.reason === "blank" ? new Uint8Array(size) : memory(run.image(), size).slice();
    return { ...found, prepared, height, width };
  }

  /* Prepare a picture of handwriting; return null, or the answer if there is nothing to classify. */
  function handwriting(gray, across, down) {
    memory(run.picture(), gray.length).set(gray);
    let state = run.prepare(across, down);
    if (state === 2) { // no even background: a photograph
      const symbol = photographed(gray, across, down);
      if (symbol === null) state = 1;
      else {
        [gray, across, down] = symbol;
        memory(run.picture(), gray.length).set(gray);
        state = run.prepare(across, down);
      }
    }
    const nothing = { label: null, confidence: 0, scores: [], labels };
    if (state !== 0) return { ...nothing, reason: "blank" };
    if (!isScribble(gray, across, down)) return null;
    return { ...answer(run.classify()), label: null, reason: "scribble" };
  }

  return {
    ...task,
    manifest,
    classify,
    classifyImage,
    /* Classify the test vectors; return 0 if all scores are right, else the number of the first that is not. */
    selfTest: () => run.self_test(),
    /* The test vectors: images, and the integers of their scores. */
    golden() {
      const { dtype } = manifest.output, pixels = unpack(section("golden_images")), scores = section("golden_scores");
      const count = pixels.length / size, Type = { uint8: Uint8Array, int16: Int16Array }[dtype];
      const all = new Type(scores.buffer, 0, count * labels.length);
      return Array.from({ length: count }, (_, index) => ({
        image: pixels.subarray(index * size, (index + 1) * size),
        scores: all.subarray(index * labels.length, (index + 1) * labels.length),
      }));
    },
    /* The integers of the last image's scores. */
    integers: () => {
      const Type = { uint8: Uint8Array, int16: Int16Array }[manifest.output.dtype];
      return new Type(run.memory.buffer, run.scores(), labels.length).slice();
    },
  };
}

/* Unpack images: a 0 is followed by the number of zeros. */
function unpack(packed) {
  const pixels = [];
  for (let place = 0; place < packed.length; place++) {
    if (packed[place]) pixels.push(packed[place]);
    else for (let zeros = packed[++place]; zeros > 0; zeros--) pixels.push(0);
  }
  return Uint8Array.from(pixels);
}

/* Change the size of an image as mnist-runtime does, to the bit: sums of integers, one axis after the other. */
function resize(bytes, across, down, width, height, channels) {
  const unit = 1 << 22, steps = [["x", width], ["y", height]];
  if (height * across < down * width) steps.reverse();
  for (const [axis, size] of steps) {
    const length = axis === "x" ? across : down;
    if (length === size) continue;
    const step = length / size, reach = Math.max(step, 1);
    const taps = Array.from({ length: size }, (_, place) => {
      const center = (place + 0.5) * step, first = Math.max(0, Math.trunc(center - reach + 0.5));
      const end = Math.min(length, Math.trunc(center + reach + 0.5)), weights = [];
      for (let i = first; i < end; i++) weights.push(Math.max(1 - Math.abs(i - center + 0.5) / reach, 0));
      const sum = weights.reduce((total, weight) => total + weight);
      return [first, weights.map(weight => Math.floor(weight / sum * unit + 0.5))];
    });
    const [wide, high] = axis === "x" ? [size, down] : [across, size], made = new Uint8Array(wide * high * channels);
    const jump = axis === "x" ? channels : across * channels;
    for (let y = 0; y < high; y++) for (let x = 0; x < wide; x++) for (let k = 0; k < channels; k++) {
      const [first, weights] = taps[axis === "x" ? x : y];
      let place = (axis === "x" ? (y * across + first) * channels : (first * across + x) * channels) + k, sum = unit / 2;
      for (const weight of weights) {
        sum += bytes[place] * weight;
        place += jump;
      }
      made[(y * wide + x) * channels + k] = Math.min(255, Math.max(0, Math.floor(sum / unit)));
    }
    [bytes, across, down] = [made, wide, high];
  }
  return bytes;
}

/* Find connected pixels; return the label of each pixel, from 1, and for each label its box and number of pixels. */
function components(mask, across, down, hasDiagonals) {
  const labels = new Int32Array(mask.length), found = [null], open = [];
  for (let seed = 0; seed < mask.length; seed++) {
    if (!mask[seed] || labels[seed]) continue;
    const box = { left: across, top: down, right: 0, bottom: 0, count: 0 };
    labels[seed] = found.length;
    open.push(seed);
    while (open.length) {
      const place = open.pop(), x = place % across, y = (place - x) / across;
      box.left = Math.min(box.left, x);
      box.top = Math.min(box.top, y);
      box.right = Math.max(box.right, x + 1);
      box.bottom = Math.max(box.bottom, y + 1);
      box.count++;
      for (let dy = -1; dy <= 1; dy++) for (let dx = -1; dx <= 1; dx++) {
        const near = place + dy * across + dx, isDiagonal = dx !== 0 && dy !== 0;
        if (x + dx < 0 || x + dx >= across || y + dy < 0 || y + dy >= down || (isDiagonal && !hasDiagonals)) continue;
        if (mask[near] && !labels[near]) {
          labels[near] = found.length;
          open.push(near);
        }
      }
    }
    found.push(box);
  }
  return { labels, found };
}

/* Return whether the strokes of a clean picture enclose more areas than those of a digit. */
function isScribble(gray, across, down) {
  const background = gray[0];
  let most = 0;
  for (const value of gray) most = Math.max(most, Math.abs(value - background));
  const [left, top, right, bottom] = inkBox(place => Math.abs(gray[place] - background) > 0.4 * most, across, down);
  const wide = right - left + 2, high = bottom - top + 2, gaps = new Uint8Array(wide * high).fill(1);
  if (Math.max(wide, high) < 34) return false;
  for (let y = top; y < bottom; y++) for (let x = left; x < right; x++) {
    if (Math.abs(gray[y * across + x] - background) > 0.4 * most) gaps[(y - top + 1) * wide + x - left + 1] = 0;
  }
  const least = 0.004 * (wide - 2) * (high - 2);
  return components(gaps, wide, high, false).found.slice(2).filter(gap => gap.count >= least).length > 2;
}

function inkBox(isInk, across, down) {
  let left = across, top = down, right = 0, bottom = 0;
  for (let place = 0; place < across * down; place++) if (isInk(place)) {
    const x = place % across, y = (place - x) / across;
    [left, right] = [Math.min(left, x), Math.max(right, x + 1)];
    [top, bottom] = [Math.min(top, y), Math.max(bottom, y + 1)];
  }
  return [left, top, right, bottom];
}

/* Find the main symbol on a photograph: the background is measured in cells, and dark ink divided by it. This is
   simpler than mnist-runtime, which also removes ruled lines and the surroundings of a page. Return the symbol, white on
   black, with its width and height; null if there is no ink. */
function photographed(gray, across, down) {
  while (Math.max(across, down) > 360) {
    [gray, across, down] = [resize(gray, across, down, across + 1 >> 1, down + 1 >> 1, 1), across + 1 >> 1, down + 1 >> 1];
  }
  const side = Math.max(3, Math.ceil(Math.max(across, down) / 48));
  const columns = Math.ceil(across / side), rows = Math.ceil(down / side);
  const middle = list => list.sort((one, two) => one - two)[list.length >> 1];
  const border = [];
  for (let x = 0; x < across; x++) border.push(gray[x], gray[(down - 1) * across + x]);
  for (let y = 0; y < down; y++) border.push(gray[y * across], gray[y * across + across - 1]);
  const sorted = Uint8Array.from(gray).sort();
  const isBright = middle(border) < (sorted[Math.floor(0.03 * sorted.length)] + sorted[Math.floor(0.97 * sorted.length)]) / 2;
  const light = Float32Array.from(gray, value => isBright ? 255 - value : value);

  let cells = new Float32Array(rows * columns);
  for (let row = 0; row < rows; row++) for (let column = 0; column < columns; column++) {
    const values = [];
    for (let y = row * side; y < Math.min(down, (row + 1) * side); y++) {
      for (let x = column * side; x < Math.min(across, (column + 1) * side); x++) values.push(light[y * across + x]);
    }
    cells[row * columns + column] = middle(values);
  }
  const extreme = (values, which) => values.map((_, place) => {
    const x = place % columns, y = (place - x) / columns;
    let best = values[place];
    for (let j = Math.max(0, y - 5); j <= Math.min(rows - 1, y + 5); j++) {
      for (let i = Math.max(0, x - 5); i <= Math.min(columns - 1, x + 5); i++) best = which(best, values[j * columns + i]);
    }
    return best;
  });
  cells = extreme(extreme(cells, Math.max), Math.min);
  const between = (x, y) => {
    const at = (position, count) => {
      const exact = Math.min(count - 1, Math.max(0, (position + 0.5) / side - 0.5)), first = Math.min(Math.floor(exact), Math.max(0, count - 2));
      return [first, Math.min(first + 1, count - 1), exact - first];
    };
    const [x0, x1, u] = at(x, columns), [y0, y1, v] = at(y, rows);
    const upper = cells[y0 * columns + x0] * (1 - u) + cells[y0 * columns + x1] * u;
    return upper * (1 - v) + (cells[y1 * columns + x0] * (1 - u) + cells[y1 * columns + x1] * u) * v;
  };
  const ink = light.map((value, place) => {
    const background = between(place % across, Math.floor(place / across));
    return (background - value) / (isBright ? 255 : Math.max(background, 24));
  });

  const smooth = ink.map((_, place) => {
    const x = place % across, y = (place - x) / across;
    let sum = 0;
    for (let dy = -1; dy <= 1; dy++) for (let dx = -1; dx <= 1; dx++) {
      const near = Math.min(down - 1, Math.max(0, y + dy)) * across + Math.min(across - 1, Math.max(0, x + dx));
      sum += ink[near] * (2 - Math.abs(dx)) * (2 - Math.abs(dy)) / 16;
    }
    return sum;
  });
  const noise = Float32Array.from(smooth, Math.abs).sort()[Math.floor(0.4 * smooth.length)] / 0.524;
  const floor = Math.max(5 * noise, 0.06), candidates = smooth.filter(value => value > floor);
  if (!candidates.length) return null;
  const limit = twoGroups(candidates), strong = candidates.filter(value => value >= limit);
  const mean = strong.reduce((total, value) => total + value, 0) / strong.length, faint = Math.max(floor, 0.4 * mean);
  const strokes = smooth.map(value => value > faint ? 1 : 0);

  // The component with the most ink, if possible one that does not touch the edge; and the components near it.
  const { labels, found } = components(strokes, across, down, true), sums = new Float32Array(found.length);
  labels.forEach((label, place) => { if (label) sums[label] += smooth[place]; });
  const touches = box => !box.left || !box.top || box.right === across || box.bottom === down;
  const inside = found.some((box, label) => label && !touches(box) && sums[label] > 0.15 * Math.max(...sums.slice(1)));
  let main = 0;
  found.forEach((box, label) => { if (label && !(inside && touches(box)) && sums[label] > sums[main]) main = label; });
  const center = found[main], reach = Math.max(center.right - center.left, center.bottom - center.top);
  if (reach < Math.max(across, down) / 40) return null;
  const gap = (box, other) => Math.max(box.left - other.right, other.left - box.right, box.top - other.bottom, other.top - box.bottom);
  const chosen = new Set(found.flatMap((box, label) => label && (label === main || (sums[label] > 0.05 * sums[main] &&
    gap(box, center) < 0.12 * reach && !(inside && touches(box)))) ? [label] : []));

  const [left, top, right, bottom] = inkBox(place => chosen.has(labels[place]), across, down);
  const wide = Math.min(640, right - left + 4), high = Math.min(640, bottom - top + 4), made = new Uint8Array(wide * high);
  for (let y = 1; y < high - 1; y++) for (let x = 1; x < wide - 1; x++) {
    const fromX = left + x - 2, fromY = top + y - 2;
    if (fromX < 0 || fromY < 0 || fromX >= across || fromY >= down) continue;
    let isNear = false;
    for (let dy = -1; dy <= 1; dy++) for (let dx = -1; dx <= 1; dx++) {
      const nearX = fromX + dx, nearY = fromY + dy;
      isNear ||= nearX >= 0 && nearY >= 0 && nearX < across && nearY < down && chosen.has(labels[nearY * across + nearX]);
    }
    if (isNear) made[y * wide + x] = Math.round(255 * Math.min(1, Math.max(0, smooth[fromY * across + fromX] / mean)));
  }
  return [made, wide, high];
}

/* Return the threshold between two groups of values (N. Otsu 1979). */
function twoGroups(values) {
  const low = values.reduce((one, two) => Math.min(one, two)), high = values.reduce((one, two) => Math.max(one, two));
  const counts = new Float64Array(128), step = (high - low) / 128 || 1;
  for (const value of values) counts[Math.min(127, Math.floor((value - low) / step))]++;
  const total = counts.reduce((sum, count, bin) => sum + count * bin, 0);
  let below = 0, sum = 0, best = -1, place = 0;
  counts.subarray(0, 127).forEach((count, bin) => {
    below += count;
    sum += count * bin;
    const above = values.length - below;
    const spread = below * above * (sum / Math.max(below, 1) - (total - sum) / Math.max(above, 1)) ** 2;
    if (spread > best) [best, place] = [spread, bin];
  });
  return low + (place + 1) * step;
}

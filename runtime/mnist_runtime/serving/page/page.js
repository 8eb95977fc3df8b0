"use strict";
// The page to draw on. `startPage(engine)` starts it; docs/explanation/architecture.md says what an engine has.
function startPage(engine) {
  const LONGEST = 640, SIDE = 280, PEN = 21, MOST_BARS = 12;
  const at = id => document.getElementById(id);
  const canvas = at("drawing"), draw = canvas.getContext("2d", { willReadFrequently: true });
  const isPlain = engine.preparation === "plain", isDark = matchMedia("(prefers-color-scheme: dark)");
  const reasons = {
    blank: ["nothing to read", "The picture shows no clear strokes."],
    scribble: ["no answer", "This looks like a scribble."],
    several: ["no answer", "There are several; draw one."],
  };
  let strokes = [], stroke = null, picture = null, problem = null, busy = false, changed = false, speech = 0, example = 0;
  const pen = { x: SIDE / 2, y: SIDE / 2, down: false };

  const ratio = engine.width / engine.height;
  canvas.width = Math.round(isPlain && ratio < 1 ? SIDE * ratio : SIDE);
  canvas.height = Math.round(isPlain && ratio > 1 ? SIDE / ratio : SIDE);
  at("inverse").hidden = !isPlain;
  at("example").hidden = !(engine.examples || []).length;
  at("size").textContent = `${engine.width}×${engine.height}`;

  // Drawing

  function colors() {
    const light = isPlain ? at("light").checked : isDark.matches;
    return light ? ["#101012", "#fff"] : ["#fff", "#111"];
  }

  function paint() {
    const [paper, ink] = colors();
    draw.fillStyle = paper;
    draw.fillRect(0, 0, canvas.width, canvas.height);
    if (picture) {
      const scale = Math.min(canvas.width / picture.width, canvas.height / picture.height);
      const width = picture.width * scale, height = picture.height * scale;
      draw.imageSmoothingEnabled = scale < 2;
      draw.drawImage(picture, (canvas.width - width) / 2, (canvas.height - height) / 2, width, height);
    }
    draw.strokeStyle = draw.fillStyle = ink;
    draw.lineWidth = PEN;
    draw.lineCap = draw.lineJoin = "round";
    for (const points of strokes) {
      draw.beginPath();
      draw.moveTo(...points[0]);
      points.forEach(point => draw.lineTo(...point));
      draw.stroke();
    }
    at("undo").disabled = !strokes.length;
    update();
  }

  function start(point) {
    picture = problem = null;
    stroke = [point];
    strokes.push(stroke);
    paint();
  }

  function clear() {
    strokes = [];
    stroke = picture = problem = null;
    pen.down = false;
    showPen();
    paint();
  }

  function undo() {
    stroke = null;
    pen.down = false;
    strokes.pop();
    showPen();
    paint();
  }

  function place(event) {
    const box = canvas.getBoundingClientRect();
    return [(event.clientX - box.left) / box.width * canvas.width, (event.clientY - box.top) / box.height * canvas.height];
  }

  canvas.addEventListener("pointerdown", event => {
    if (event.button !== 0) return;
    canvas.setPointerCapture(event.pointerId);
    at("pen").hidden = true;
    start(place(event));
  });
  canvas.addEventListener("pointermove", event => {
    if (!stroke || !canvas.hasPointerCapture(event.pointerId)) return;
    const all = event.getCoalescedEvents ? event.getCoalescedEvents() : [];
    for (const each of all.length ? all : [event]) stroke.push(place(each));
    paint();
  });
  for (const name of ["pointerup", "pointercancel"]) canvas.addEventListener(name, () => { stroke = null; });

  function showPen() {
    at("pen").style.left = `${pen.x / canvas.width * 100}%`;
    at("pen").style.top = `${pen.y / canvas.height * 100}%`;
    at("pen").classList.toggle("down", pen.down);
  }

  canvas.addEventListener("keydown", event => {
    const step = event.shiftKey ? 4 : 12;
    const moves = { ArrowLeft: [-step, 0], ArrowRight: [step, 0], ArrowUp: [0, -step], ArrowDown: [0, step] };
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    if (moves[event.key]) {
      pen.x = Math.min(canvas.width - PEN / 2, Math.max(PEN / 2, pen.x + moves[event.key][0]));
      pen.y = Math.min(canvas.height - PEN / 2, Math.max(PEN / 2, pen.y + moves[event.key][1]));
      if (pen.down && stroke) {
        stroke.push([pen.x, pen.y]);
        paint();
      }
    } else if (event.key === " " || event.key === "Enter") {
      pen.down = !pen.down;
      say(pen.down ? "Pen down." : "Pen up.");
      if (pen.down) start([pen.x, pen.y]);
      else stroke = null;
    } else if (event.key === "Backspace") undo();
    else if (event.key === "Escape" || event.key === "Delete") clear();
    else return;
    event.preventDefault();
    at("pen").hidden = false;
    showPen();
  });
  canvas.addEventListener("blur", () => { at("pen").hidden = true; });

  // Pictures

  async function open(file) {
    if (!file) return;
    try {
      const opened = await createImageBitmap(file, { imageOrientation: "from-image" });
      show(opened);
    } catch {
      clear(); // or the old picture would seem to be the opened one
      problem = ["no picture", "This browser cannot read that file. Open a PNG or JPEG picture."];
    }
  }

  function show(bitmap) {
    strokes = [];
    stroke = problem = null;
    picture = bitmap;
    paint();
  }

  for (const id of ["file", "camera"]) {
    at(id).addEventListener("change", event => {
      open(event.target.files[0]);
      event.target.value = "";
    });
  }
  addEventListener("dragover", event => {
    event.preventDefault();
    at("paper").classList.add("over");
  });
  addEventListener("dragleave", event => { if (!event.relatedTarget) at("paper").classList.remove("over"); });
  addEventListener("drop", event => {
    event.preventDefault();
    at("paper").classList.remove("over");
    open(event.dataTransfer.files[0]);
  });
  addEventListener("paste", event => {
    const file = [...event.clipboardData.files].find(each => each.type.startsWith("image/"));
    if (file) open(file);
  });
  at("example").addEventListener("click", () => {
    const { bytes, width, height } = engine.examples[example++ % engine.examples.length];
    const sheet = new OffscreenCanvas(width, height);
    sheet.getContext("2d").putImageData(colored(bytes, width, height), 0, 0);
    show(sheet);
  });
  at("clear").addEventListener("click", clear);
  at("undo").addEventListener("click", undo);
  at("light").addEventListener("change", paint);
  isDark.addEventListener("change", paint);

  /* Return what the model gets, with `engine.channels` bytes for each pixel: the drawing, or the picture on white. */
  function pixels() {
    let { width, height } = picture || canvas, rgba;
    if (picture) {
      const scale = Math.min(1, LONGEST / Math.max(width, height));
      width = Math.max(1, Math.round(width * scale));
      height = Math.max(1, Math.round(height * scale));
      const sheet = new OffscreenCanvas(width, height).getContext("2d");
      sheet.fillStyle = "#fff";
      sheet.fillRect(0, 0, width, height);
      sheet.imageSmoothingQuality = "high";
      sheet.drawImage(picture, 0, 0, width, height);
      rgba = sheet.getImageData(0, 0, width, height).data;
    } else rgba = draw.getImageData(0, 0, width, height).data;
    const bytes = new Uint8Array(width * height * engine.channels);
    for (let i = 0, j = 0; i < rgba.length; i += 4) {
      if (engine.channels === 3) for (let k = 0; k < 3; k++) bytes[j++] = rgba[i + k];
      else bytes[j++] = 19595 * rgba[i] + 38470 * rgba[i + 1] + 7471 * rgba[i + 2] + 32768 >> 16;
    }
    return [bytes, width, height];
  }

  // The answer

  async function update() {
    changed = true;
    if (busy) return;
    busy = true;
    while (changed) {
      await new Promise(resolve => document.hidden ? setTimeout(resolve) : requestAnimationFrame(resolve));
      changed = false;
      if (!picture && !strokes.length) {
        empty();
        if (problem) answer(...problem);
        continue;
      }
      try {
        result(await engine.classify(...pixels()));
      } catch (error) {
        answer("no answer", error.message);
      }
    }
    busy = false;
    document.body.dataset.answers = Number(document.body.dataset.answers || 0) + 1;
  }

  const percent = share => `${(100 * share).toFixed(1)} %`;

  function result({ label, reason, confidence, scores, labels, prepared, height, width }) {
    const names = labels || engine.labels, list = Array.from(scores || []);
    const best = list.indexOf(Math.max(...list));
    if (label !== null && label !== undefined) answer(label, `${percent(confidence)} sure`);
    else if (reasons[reason]) answer(...reasons[reason]);
    else answer("not sure", list.length ? `Perhaps ${names[best]}, with ${percent(confidence)}.` : "");
    bars(names, list, best);
    const seen = at("seen"), blank = !prepared || !prepared.length;
    seen.width = width || engine.width;
    seen.height = height || engine.height;
    if (!blank) seen.getContext("2d").putImageData(colored(prepared, seen.width, seen.height), 0, 0);
  }

  function empty() {
    at("answer").textContent = at("detail").textContent = at("spoken").textContent = "\u00a0";
    clearTimeout(speech);
    bars(engine.labels, [], -1);
    at("seen").width = engine.width;
  }

  function answer(word, detail) {
    at("answer").textContent = word;
    at("answer").classList.toggle("long", [...word].length > 4);
    at("detail").textContent = detail;
    clearTimeout(speech); // tell screen readers after a pause
    speech = setTimeout(() => say(`${word}, ${detail}`), 600);
  }

  function say(text) { at("spoken").textContent = text; }

  function bars(names, scores, best) {
    let order = [...names.keys()];
    if (names.length > MOST_BARS) {
      if (scores.length) order.sort((one, two) => scores[two] - scores[one] || one - two);
      order = order.slice(0, MOST_BARS - 2);
    }
    const list = at("bars");
    list.classList.toggle("named", names.some(name => [...name].length > 2));
    while (list.children.length > order.length) list.lastChild.remove();
    while (list.children.length < order.length) {
      const row = document.createElement("li");
      for (const name of ["name", "track", "percent"]) row.append(Object.assign(document.createElement("span"), { className: name }));
      row.children[1].ariaHidden = "true";
      row.children[1].append(Object.assign(document.createElement("span"), { className: "fill" }));
      list.append(row);
    }
    order.forEach((index, place) => {
      const row = list.children[place], score = scores[index];
      row.classList.toggle("best", index === best);
      row.children[0].textContent = row.children[0].title = names[index];
      row.children[1].firstChild.style.width = `${100 * (score || 0)}%`;
      row.children[2].textContent = score === undefined ? "" : percent(score);
    });
  }

  function colored(bytes, width, height) {
    const image = new ImageData(width, height), channels = bytes.length / (width * height);
    for (let i = 0; i < width * height; i++) {
      for (let k = 0; k < 3; k++) image.data[4 * i + k] = bytes[channels * i + (channels === 3 ? k : 0)];
      image.data[4 * i + 3] = 255;
    }
    return image;
  }

  // The model

  function facts(rows) {
    at("about").hidden = !rows.length;
    at("facts").replaceChildren(...rows.flatMap(([term, text]) => [
      Object.assign(document.createElement("dt"), { textContent: term }),
      Object.assign(document.createElement("dd"), { textContent: text }),
    ]));
  }

  facts(engine.facts || []);
  if (engine.selfTest) engine.selfTest().then(text => facts([...(engine.facts || []), ["Self-test", text]]));
  showPen();
  paint();
}

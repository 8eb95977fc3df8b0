"""Read simulated photographs in the page of ``--format web``, beside mnist-runtime. Needs Node."""

from __future__ import annotations

import json
import shutil
import subprocess
import tempfile
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from PIL import Image

from mnist_exporters.formats.web.build import packaged
from mnist_exporters.formats.web.page import module_in
from mnist_runtime import Classifier
from mnist_tools.checkout import ROOT, ToolError
from mnist_tools.rendering.camera import CONDITIONS, photograph_one
from mnist_trainer import load_data

__all__ = ["answers_of_page", "compare"]

LONGEST = 640
PROGRAM = """
import { readFileSync } from "node:fs";
const engine = await loadEngine(readFileSync(process.argv[2]));
const { sizes } = JSON.parse(readFileSync(process.argv[3])), bytes = readFileSync(process.argv[4]);
let place = 0;
const answers = sizes.map(([width, height]) => {
  const picture = bytes.subarray(place, place += width * height);
  return engine.classify(picture, width, height).label;
});
console.log(JSON.stringify(answers));
"""


def answers_of_page(module: bytes, pictures: Sequence[Image.Image]) -> list[str | None]:
    """Return the label that the page's code gives to each picture; None without one."""
    gray = [_on_white(picture).convert("L") for picture in pictures]
    for picture in gray:
        picture.thumbnail((LONGEST, LONGEST), Image.Resampling.BOX)  # as a browser does
    with tempfile.TemporaryDirectory() as text:
        folder = Path(text)
        (folder / "page.mjs").write_text(packaged("engine.js") + PROGRAM, "utf-8")
        (folder / "model.wasm").write_bytes(module)
        (folder / "sizes.json").write_text(json.dumps({"sizes": [picture.size for picture in gray]}))
        (folder / "pictures").write_bytes(b"".join(picture.tobytes() for picture in gray))
        words = ["node", *(str(folder / name) for name in ("page.mjs", "model.wasm", "sizes.json", "pictures"))]
        done = subprocess.run(words, capture_output=True, check=True, text=True)
    found: list[str | None] = json.loads(done.stdout)
    return found


def _on_white(picture: Image.Image) -> Image.Image:
    """Return the picture as the page draws it, on white where it is transparent."""
    if "A" not in picture.getbands():
        return picture
    white = Image.new("RGBA", picture.size, "white")
    white.alpha_composite(picture.convert("RGBA"))
    return white.convert("RGB")


def compare(number: int) -> None:
    """Print, for each condition, the fractions of right, missing and wrong answers to `number` pictures.

    Raises
    ------
    ToolError
        If Node is not installed.
    """
    if shutil.which("node") is None:
        raise ToolError("The study needs Node. Install it, for example with: apt install nodejs")
    digits = load_data("auto").test
    module = module_in((ROOT / "docs" / "demo.html").read_text("utf-8")).content
    totals = {"page": Counter[str](), "runtime": Counter[str]()}
    print(f"{f'{number} pictures a row':38}     page: right  none  wrong   runtime: right  none  wrong")
    with Classifier.load() as classifier:
        for name, conditions in CONDITIONS.items():
            random = np.random.default_rng(sum(name.encode()))
            chosen = random.choice(len(digits), number, replace=False)
            pictures = [photograph_one(digits.images[index], conditions, random) for index in chosen]
            found = {
                "page": answers_of_page(module, [Image.fromarray(picture) for picture in pictures]),
                "runtime": [classifier.classify(picture).label for picture in pictures],
            }
            cells = []
            for engine, answers in found.items():
                kinds = [
                    "none" if answer is None else "right" if answer == str(digits.labels[index]) else "wrong"
                    for answer, index in zip(answers, chosen, strict=True)
                ]
                totals[engine].update(kinds)
                cells.append("".join(f"{kinds.count(kind) / number:7.0%}" for kind in ("right", "none", "wrong")))
            print(f"{name:38}     {'      '.join(cells)}", flush=True)
    for engine, counts in totals.items():
        print(f"{engine}: {counts['right']} right, {counts['none']} none, {counts['wrong']} wrong of {counts.total()}")

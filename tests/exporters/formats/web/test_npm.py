"""``--package npm`` and ``examples/node``: the module in Node."""

import json
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from mnist_exporters import ExportReport, ExportSpec, Precision
from mnist_exporters.formats.plugin import load_plugin
from mnist_exporters.formats.web.page import module_in
from mnist_exporters.pipeline.staging import StagedExport, check_destination, export_path
from mnist_runtime import Classifier

pytest.importorskip("ziglang")
NODE = shutil.which("node")
EXAMPLE = Path(__file__).parents[4] / "examples" / "node" / "main.mjs"

SCORES = """
import { readFileSync } from "node:fs";
import { load } from "./digits/index.mjs";
const model = await load(), images = readFileSync("images"), size = model.height * model.width;
const scores = [];
for (let start = 0; start < images.length; start += size) {
  model.classifyImage(images.subarray(start, start + size));
  scores.push([...model.integers()]);
}
console.log(JSON.stringify({ scores, labels: model.labels, precision: model.manifest.precision }));
"""


@pytest.fixture(scope="module")
def folder(exported: Callable[..., ExportReport], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the package ``digits`` and the example."""
    folder = tmp_path_factory.mktemp("npm")
    model = load_plugin("tflite").open(exported("linear", "tflite", Precision.INT8).path).content
    artifact = load_plugin("web").open(exported("linear", "web", Precision.INT8).path)
    spec = ExportSpec("web", "int8", package="npm")
    path = export_path(folder / "digits.html", spec, "unused")
    check_destination(path, spec)
    with StagedExport(path, load_plugin("web"), "npm") as staged:
        staged.write(model, artifact.manifest, artifact.golden)
        staged.commit()
    shutil.copy(EXAMPLE, folder)
    return folder


def node(folder: Path, *words: object) -> subprocess.CompletedProcess[str]:
    assert NODE is not None
    return subprocess.run([NODE, *map(str, words)], cwd=folder, capture_output=True, text=True, check=False)


def test_the_package_has_the_module_of_the_page_and_nothing_unlisted(folder: Path) -> None:
    package = folder / "digits"
    facts = json.loads((package / "package.json").read_text())
    assert (facts["name"], facts["type"], facts["exports"]["."]["default"]) == ("digits", "module", "./index.mjs")
    there = {path.name for path in package.iterdir()}
    assert there == {*facts["files"], "package.json", "README.md", "digits.html"}
    assert (package / "digits.wasm").read_bytes() == module_in((package / "digits.html").read_text("utf-8")).content
    for path in package.glob("*.[mj]*"):
        assert "{{" not in path.read_text().replace("${{", "")


@pytest.mark.skipif(NODE is None, reason="Node is not installed")
def test_node_computes_the_same_integers(folder: Path, exported: Callable[..., ExportReport]) -> None:
    images = np.random.default_rng(0).integers(0, 256, (100, 28, 28), np.uint8)
    (folder / "images").write_bytes(images.tobytes())
    (folder / "scores.mjs").write_text(SCORES)
    done = node(folder, "scores.mjs")
    found = json.loads(done.stdout)
    tflite = exported("linear", "tflite", Precision.INT8).path
    assert np.array_equal(found["scores"], Classifier.load(tflite, backend="numpy").scores(images))
    assert (found["labels"], found["precision"]) == ([*"0123456789"], "int8")


WRONG = """
import { load } from "./digits/index.mjs";
const model = await load(), size = 28 * 28;
const calls = [
  () => model.classify(new Uint8Array(4 * size), 28, 28),
  () => model.classify(new Uint8ClampedArray(size - 1), 28, 28),
  () => model.classify(new Uint8Array(641 * 3), 641, 3),
  () => model.classify(new Uint8Array(0), undefined, undefined),
  () => model.classify(new Float32Array(size), 28, 28),
  () => model.classifyImage(new Float32Array(size)),
  () => model.classifyImage(undefined),
  () => model.classifyImage(new Uint8Array(4)),
];
for (const call of calls) {
  try { call(); console.log("no error"); } catch (error) { console.log(`${error.name}: ${error.message}`); }
}
console.log(model.classify(new Uint8ClampedArray(640 * 640), 640, 640).reason, model.labels.length);
"""


@pytest.mark.skipif(NODE is None, reason="Node is not installed")
def test_wrong_pixels_are_refused_with_the_reason(folder: Path) -> None:
    (folder / "wrong.mjs").write_text(WRONG)
    done = node(folder, "wrong.mjs")
    needed = "RangeError: A picture of 28 x 28 pixels needs 784 bytes, one for each pixel (gray), but has"
    kind = "TypeError: The pixels must be bytes 0..255 in a Uint8Array, but this is"
    cure = "Convert floats 0..1 with: Uint8Array.from(pixels, value => Math.round(255 * value))"
    assert done.stdout.splitlines() == [
        f"{needed} 3136. This looks like RGBA, as from a canvas. Convert it to gray.",
        f"{needed} 783.",
        "RangeError: The picture has 641 x 3 pixels, but must have 1 to 640 a side. Resize it.",
        "RangeError: The picture has undefined x undefined pixels, but must have 1 to 640 a side. Resize it.",
        f"{kind} Float32Array. {cure}",
        f"{kind} Float32Array. {cure}",
        f"{kind} undefined. {cure}",
        "RangeError: The image has 4 bytes, but the model takes 784.",
        "blank 10",
    ]
    assert "up to 640 x 640 pixels; more throw a RangeError" in (folder / "digits" / "README.md").read_text()


@pytest.mark.skipif(NODE is None, reason="Node is not installed")
def test_its_own_test_and_the_example_run(
    folder: Path, seven: np.ndarray, exported: Callable[..., ExportReport]
) -> None:
    done = node(folder / "digits", "test.mjs")
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.startswith("self-test: passed\nanswer: ")
    gray = seven[..., 0]
    (folder / "seven.pgm").write_bytes(f"P5\n{gray.shape[1]} {gray.shape[0]}\n255\n".encode() + gray.tobytes())
    found = Classifier.load(exported("linear", "tflite", Precision.INT8).path, backend="numpy").classify(gray)
    assert node(folder, "main.mjs", "seven.pgm").stdout == f"{found.label or 'none'} {found.confidence:.3f}\n"
    (folder / "other.pgm").write_text("P2 1 1 255 0")
    assert "is no binary PGM file" in node(folder, "main.mjs", "other.pgm").stderr

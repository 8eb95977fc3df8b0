"""Measure pages: time of one image in wasmtime, Node and Chromium, against C code and LiteRT."""

from __future__ import annotations

import argparse
import json
import shutil
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from mnist_exporters import open_session
from mnist_exporters.formats.plugin import load_plugin
from mnist_exporters.formats.web.build import packaged
from mnist_runtime.system.atomic import atomic_write
from mnist_tools.bench.bare_interpreter import load
from mnist_tools.bench.engines import Contestant, Images, called, compiled, exported, in_turns, printed
from mnist_tools.bench.runtime import machine
from mnist_tools.checkout import ROOT
from mnist_trainer import load_data

__all__ = ["PageTimes", "main", "measure", "page"]

PAGE = ROOT / "docs" / "results" / "web-speed.md"
MODELS = ("cnn", "tiny", "mlp")
IMAGES, TURNS = 20, 9
BROWSER = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
LOOP = """(engine, bytes, turns, seconds) => {
  const size = engine.height * engine.width, images = [];
  for (let place = 0; place < bytes.length; place += size) images.push(bytes.subarray(place, place + size));
  const started = seconds();
  for (let turn = 0; turn < turns; turn++) for (const image of images) engine.classifyImage(image);
  return (seconds() - started) / turns / images.length;
}"""
"""JavaScript function that returns the seconds per image, measured with the clock `seconds`."""

WASMTIME = """
import sys, time, wasmtime
engine = wasmtime.Engine()
store = wasmtime.Store(engine)
exports = wasmtime.Instance(store, wasmtime.Module(engine, open(sys.argv[1], "rb").read()), []).exports(store)
pixels, images = sys.stdin.buffer.read(), []
for turn in range(2):  # the first is a warm-up
    started = time.process_time()
    for place in range(0, len(pixels), 784):
        exports["memory"].write(store, pixels[place : place + 784], exports["image"](store))
        exports["classify"](store)
print((time.process_time() - started) / (len(pixels) // 784))
"""


class PageTimes(NamedTuple):
    """Median seconds of one image of a model, by engine, and the bytes of its page."""

    model: str
    bytes: int
    seconds: dict[str, float]

    def ratio(self, engine: str) -> float:
        """Return the time relative to LiteRT's."""
        return self.seconds[engine] / self.seconds["LiteRT"]


def measure(model: str, data: str = "mnist") -> PageTimes:
    """Export a model as int8 for each engine, and measure the engines in turns."""
    images = load_data(data).test.images[:IMAGES]
    session = open_session(model, data)
    with tempfile.TemporaryDirectory() as folder:
        web, source, file = (exported(session, format, folder) for format in ("web", "c", "tflite"))
        module = Path(folder) / "model.wasm"
        module.write_bytes(load_plugin("web").open(web).content)
        contestants = {
            "LiteRT": called(load("litert", str(file)), images[..., None]),
            "C, -O3": compiled(source, images, ("-O3",), Path(folder)),
            "wasmtime": printed([sys.executable, "-c", WASMTIME, str(module)], images),
        }
        if shutil.which("node"):
            contestants["Node"] = _node(module, images)
        medians = in_turns(contestants, TURNS)
        if BROWSER:
            medians["Chromium"] = _chromium(web, images)
        return PageTimes(model, web.stat().st_size, medians)


def _node(module: Path, images: Images) -> Contestant:
    program = module.with_name("bench.mjs")
    program.write_text(
        f"import {{ readFileSync }} from 'node:fs';\n{packaged('engine.js')}\n"
        f"const engine = await loadEngine(readFileSync({json.dumps(str(module))})), loop = {LOOP};\n"
        "const bytes = readFileSync(0), seconds = () => process.cpuUsage().user / 1e6;\n"
        "loop(engine, bytes, 10, seconds);\nconsole.log(loop(engine, bytes, 5, seconds));\n",
        "utf-8",
    )
    return printed(["node", str(program)], images)


def _chromium(web: Path, images: Images) -> float:
    """Return the shortest time: a page cannot measure processor time."""
    from playwright.sync_api import sync_playwright

    with sync_playwright() as browsers:
        page = browsers.chromium.launch(executable_path=BROWSER).new_page()
        page.goto(web.as_uri())
        page.wait_for_selector("body[data-answers]")
        clock = "() => performance.now() / 1000"
        # Ten turns at a time, because a browser's clock has steps of 0.1 ms, and a small model takes less.
        call = f"bytes => ({LOOP})(window.engine, Uint8Array.from(bytes), 10, {clock})"
        return min(float(page.evaluate(call, images.ravel().tolist())) for _ in range(TURNS))


def table(rows: Sequence[PageTimes]) -> str:
    """Return the figures as a Markdown table: milliseconds, and the ratio to LiteRT."""
    names = list(rows[0].seconds)
    lines = [f"| model | page kB | {' | '.join(names)} |", "|---|--:|" + "--:|" * len(names)]
    for row in rows:
        cells = [f"{row.seconds[name] * 1e3:.2f} ms, {row.ratio(name):.1f}" for name in names]
        lines.append(f"| `{row.model}` | {row.bytes / 1000:.1f} | {' | '.join(cells)} |")
    return "\n".join(lines)


def page(rows: Sequence[PageTimes]) -> str:
    """Return the text of the page."""
    return f"""\
# Speed of pages

Written by `scripts/tool bench web --write`; do not edit. Machine: {machine()}. Each cell is the processor time of one
image in int8 on one thread, and its ratio to LiteRT's default kernels (XNNPACK) called from Python. The page's
WebAssembly is the C code of `--format c`, compiled by Zig with SIMD of 128 bits; the column *C* is the same code,
compiled for this processor. Scores and the answer in JavaScript are included in the columns of Node and Chromium. The
engines take turns; figures are medians. Chromium has no such clock: its figure is the shortest time of 90 turns.

{table(rows)}
"""


def main(argv: Sequence[str] | None = None) -> int:
    """Measure each model and print the table."""
    parser = argparse.ArgumentParser(prog="scripts/tool bench web", description=__doc__)
    parser.add_argument("models", nargs="*", default=list(MODELS), metavar="MODEL", help=f"default: {' '.join(MODELS)}")
    parser.add_argument("--data", default="mnist", help="data set of the exports (default: mnist)")
    parser.add_argument("--write", action="store_true", help="write docs/results/web-speed.md")
    options = parser.parse_args(argv)
    rows = []
    for model in options.models:
        print(f"{model} ...", file=sys.stderr, flush=True)
        rows.append(measure(model, options.data))
    print(table(rows))
    if options.write:
        with atomic_write(PAGE) as staged:
            staged.write_text(page(rows), "utf-8")
    return 0

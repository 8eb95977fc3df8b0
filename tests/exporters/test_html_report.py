"""The page in a real browser, at the widths of a desk and of a hand."""

import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

BROWSER = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")

MEASURE = """<script>addEventListener("load", () => {
  const images = [...document.images];
  images.forEach(image => image.loading = "eager");
  Promise.all(images.map(image => image.decode())).then(() => {
    const square = images.filter(image => Math.abs(image.offsetWidth - image.offsetHeight) <= 1);
    const sizes = [document.documentElement.scrollWidth, innerWidth, images.length, square.length];
    parent.postMessage(sizes.join(" "), "*");
  });
});</script></body>"""

# A window cannot be narrower than 500 pixels; a frame can.
FRAME = """<!doctype html><iframe src="measuring.html" style="width: {width}px; height: 900px; border: 0"></iframe>
<script>addEventListener("message", event => document.title = event.data)</script>"""


@pytest.mark.skipif(BROWSER is None, reason="no Chromium is installed")
@pytest.mark.parametrize("width", [1280, 390])
def test_the_page_fits_and_every_picture_is_shown_square(
    run: Callable[..., object], tmp_path_factory: pytest.TempPathFactory, width: int
) -> None:
    folder = report_of_linear(run, tmp_path_factory.getbasetemp() / "report of linear")
    page = (folder / "report.html").read_text()
    (folder / "measuring.html").write_text(page.replace("</body>", MEASURE))
    frame = folder / f"frame-{width}.html"
    frame.write_text(FRAME.format(width=width))
    options = ("--headless", "--no-sandbox", "--disable-gpu", "--virtual-time-budget=10000", "--window-size=1400,1000")
    done = subprocess.run(
        [str(BROWSER), *options, "--dump-dom", frame.as_uri()], capture_output=True, text=True, timeout=120, check=True
    )
    title = done.stdout.partition("<title>")[2].partition("</title>")[0].split()
    needed, offered, images, square = map(int, title)
    assert offered == width
    assert needed <= width, "it scrolls sideways"
    assert images == square > 0


def report_of_linear(run: Callable[..., object], folder: Path) -> Path:
    """Make it once, by the command."""
    if not folder.exists():
        quantize = ("--quantize", "none", "--quantize", "int8", "--quantize", "int16x8")
        done = run(
            "mnist-export", "--model", "linear", *quantize, "--data", "digits", "--output", folder, "--report", folder
        )
        assert done.returncode == 0, done.stderr
        assert "recommended" in done.stderr
        assert {path.name for path in folder.iterdir()} >= {"report.html", "report.json", "linear-int8.tflite"}
    return folder

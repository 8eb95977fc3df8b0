"""The report in a real browser, as wide as a desktop and as a phone."""

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from playwright.sync_api import sync_playwright

BROWSER = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")

MEASURE = """async () => {
  const images = [...document.images];
  images.forEach(image => image.loading = "eager");
  await Promise.all(images.map(image => image.decode()));
  const square = images.filter(image => Math.abs(image.offsetWidth - image.offsetHeight) <= 1);
  return [document.documentElement.scrollWidth, images.length, square.length];
}"""


@pytest.mark.skipif(BROWSER is None, reason="no Chromium is installed")
@pytest.mark.parametrize("width", [1280, 390])
@pytest.mark.slow
def test_page_fits_the_width_and_every_picture_is_square(
    run: Callable[..., object], tmp_path_factory: pytest.TempPathFactory, width: int
) -> None:
    folder = report_of_linear(run, tmp_path_factory.getbasetemp() / "report of linear")
    with sync_playwright() as browsers:
        page = browsers.chromium.launch(executable_path=BROWSER).new_page(viewport={"width": width, "height": 900})
        page.goto((folder / "report.html").as_uri())
        needed, images, square = page.evaluate(MEASURE)
    assert needed <= width, "no horizontal scrolling"
    assert images == square > 0


def report_of_linear(run: Callable[..., object], folder: Path) -> Path:
    """Make the report with the command, once."""
    if not folder.exists():
        quantize = ("--quantize", "none", "--quantize", "int8", "--quantize", "int16x8")
        ascii_only = {"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"}
        places = ("--data", "digits", "--output", folder, "--report", folder)
        done = run("mnist-export", "--model", "linear", *quantize, *places, **ascii_only)
        assert done.returncode == 0, done.stderr
        assert "recommended" in done.stderr
        assert {path.name for path in folder.iterdir()} >= {"report.html", "report.json", "linear-int8.tflite"}
    return folder

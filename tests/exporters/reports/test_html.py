"""The report in a real browser, as wide as a desktop and as a phone."""

import dataclasses
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from playwright.sync_api import sync_playwright

from mnist_exporters import Comparison, ExportReport, ExportSession, Latency, Precision
from mnist_exporters.reports.candidate import Candidate
from mnist_exporters.reports.circumstances import Circumstances
from mnist_exporters.reports.html import html_report
from mnist_exporters.spec.processor_memory import ProcessorMemory
from mnist_exporters.targets.deployment.measure import DeviceFigures
from mnist_exporters.targets.deployment.plan import DeviceFacts

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


@pytest.mark.skipif(BROWSER is None, reason="no Chromium is installed")
@pytest.mark.slow
def test_every_table_fits_a_phone_and_all_is_printed(
    exported: Callable[..., ExportReport], sessions: Callable[[str], ExportSession], tmp_path: Path
) -> None:
    page_of_device(exported, sessions, tmp_path / "report.html")
    with sync_playwright() as browsers:
        browser = browsers.chromium.launch(executable_path=BROWSER)
        for scheme in ("light", "dark"):
            page = browser.new_page(viewport={"width": 390, "height": 900}, color_scheme=scheme)
            page.goto((tmp_path / "report.html").as_uri())
            page.evaluate("document.querySelectorAll('details').forEach(one => one.open = true)")
            too_wide = "[...document.querySelectorAll('td, th, text, pre, img, svg')].filter(one => {"
            too_wide += "const box = one.getBoundingClientRect(); return box.right > 390 || box.left < 0})"
            assert page.evaluate(f"{too_wide}.map(one => one.outerHTML)") == []
            assert page.evaluate("document.documentElement.scrollWidth") == 390
            page.close()
        page = browser.new_page()
        page.goto((tmp_path / "report.html").as_uri())
        heading = page.get_by_role("columnheader", name="McNemar p")
        assert not heading.is_visible(), "it is a detail"
        page.emulate_media(media="print")
        assert heading.is_visible()


def page_of_device(exported: Callable[..., ExportReport], sessions: Callable[[str], ExportSession], path: Path) -> None:
    """Write a report with every table: of microcontrollers, of a device and of a failure there."""
    session, report = sessions("linear"), exported("linear", "tflite", Precision.INT8)
    memory = tuple(ProcessorMemory(f"xtensa-lx{n}06", 34_567, 10_080, "xtensa-lx106-elf-gcc") for n in range(3))
    latencies = tuple(
        Latency(name, "2.14.0", 1234.5, 2345.6, 12.34, 123_000_000) for name in ("litert", "tflite-runtime")
    )
    place = ("Debian", "Raspberry Pi 4 Model B Rev 1.4", "/home/pi/mnist")
    facts = DeviceFacts("aarch64", True, (3, 11), *place, 10**9, True, True, (), "", None, None, ())
    rows = (
        Candidate(dataclasses.replace(report, processors=memory), latencies, None, latencies),
        Candidate(report, latencies, None, (), "LiteRT has no wheel for this machine. Install tflite-runtime there."),
    )
    figures = DeviceFigures("pi@raspberrypi.local", facts, {})
    circumstances = Circumstances.of(session, ["tflite"], "mnist-export linear --report " + "long/" * 30)
    comparison = Comparison(session.original, session.reference, rows, figures, circumstances)
    path.write_text(html_report(comparison), encoding="utf-8")


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

"""`front_picture`: a report and the page to draw on, side by side, photographed by Chromium."""

from __future__ import annotations

import io
import math
import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from PIL import Image, ImageDraw
from playwright.sync_api import Browser, sync_playwright

from mnist_tools.checkout import ToolError
from mnist_tools.release.demo import DEMO

__all__ = ["THEMES", "front_picture"]

THEMES = ("light", "dark")
HEIGHT, REPORT, PAGE, GAP, SCALE, CORNER = 968, 900, 400, 24, 2, 14
"""Height of both, width of the report and of the page, gap, pixels for each CSS pixel, and radius of the corners."""
EDGE = {"light": "#d4d4d8", "dark": "#3f3f46"}
ARCS = ((130, 92, 52, -160, 100), (130, 190, 60, -100, 155))
"""A three of two arcs: center, radius, first and last angle, in the drawing area of 280 x 280 pixels."""
BROWSERS = ("chromium", "chromium-browser", "google-chrome")


def front_picture(report: Path, theme: str) -> bytes:
    """Return a PNG of a report, and of the page of the ready model with a drawn digit, on a transparent background.

    Parameters
    ----------
    report : Path
        A page written by ``mnist-export --report``.
    theme : {"light", "dark"}
        Color scheme in which the pages are shown.
    """
    program = next(filter(None, map(shutil.which, BROWSERS)), None)
    if program is None:
        raise ToolError("The pictures need Chromium. Install it with: apt-get install chromium")
    with sync_playwright() as browsers:
        browser = browsers.chromium.launch(executable_path=program)
        left = _photograph(browser, report, REPORT, theme)
        right = _photograph(browser, DEMO, PAGE, theme, strokes=[_stroke(ARCS)])
        browser.close()
    whole = Image.new("RGBA", (left.width + GAP * SCALE + right.width, left.height))
    whole.paste(_framed(left, theme), (0, 0))
    whole.paste(_framed(right, theme), (left.width + GAP * SCALE, 0))
    content = io.BytesIO()
    whole.quantize(256, method=Image.Quantize.FASTOCTREE).save(content, "PNG", optimize=True)
    return content.getvalue()


def _photograph(browser: Browser, path: Path, width: int, theme: Any, strokes: Any = ()) -> Image.Image:
    """Open a page, draw on it, and return what is visible."""
    page = browser.new_page(viewport={"width": width, "height": HEIGHT}, color_scheme=theme, device_scale_factor=SCALE)
    page.goto(path.resolve().as_uri())
    if strokes:
        page.wait_for_function("document.querySelector('#facts dt') !== null")
        box = page.locator("#drawing").bounding_box()
        assert box is not None
        for points in strokes:
            placed = [(box["x"] + x * box["width"] / 280, box["y"] + y * box["height"] / 280) for x, y in points]
            page.mouse.move(*placed[0])
            page.mouse.down()
            for place in placed[1:]:
                page.mouse.move(*place)
            page.mouse.up()
        page.wait_for_function("document.getElementById('detail').textContent.includes('%')")
    content = page.screenshot()
    page.close()
    return Image.open(io.BytesIO(content)).convert("RGBA")


def _stroke(arcs: Sequence[tuple[int, int, int, int, int]]) -> list[tuple[float, float]]:
    """Return the points of arcs, one after the other."""
    points = []
    for x, y, radius, first, last in arcs:
        for degrees in range(first, last, 10):
            angle = math.radians(degrees)
            points.append((x + radius * math.cos(angle), y + radius * math.sin(angle)))
    return points


def _framed(picture: Image.Image, theme: str) -> Image.Image:
    """Return the picture with rounded corners and a border."""
    corner, box = CORNER * SCALE, (0, 0, picture.width - 1, picture.height - 1)
    mask = Image.new("L", picture.size)
    ImageDraw.Draw(mask).rounded_rectangle(box, corner, fill=255)
    picture.putalpha(mask)
    ImageDraw.Draw(picture).rounded_rectangle(box, corner, outline=EDGE[theme], width=SCALE)
    return picture

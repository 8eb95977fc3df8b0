"""Measure how often `classify` reports several digits: for pictures of several, and by mistake for those of one."""

from __future__ import annotations

import argparse
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from PIL import Image, ImageDraw, ImageFont

from mnist_runtime import Classifier
from mnist_runtime.preprocess.prepare import prepare_symbols
from mnist_tools.rendering.camera import (
    CONDITIONS,
    PAGES,
    Conditions,
    Written,
    photograph,
    photograph_one,
    photograph_page,
)
from mnist_tools.rendering.pen import place
from mnist_trainer import load_data

__all__ = ["main"]

Pixels = npt.NDArray[np.uint8]
Random = np.random.Generator
Digits = tuple[Pixels, npt.NDArray[Any]]

FONTS = Path("/usr/share/fonts")
LOOSE = [
    name
    for name in CONDITIONS
    if not any(word in name for word in ("cropped", "card", "desk", "small", "circle", "box"))
]
"""Conditions in which a row of digits fits into the picture."""


def enlarged(image: Pixels, random: Random) -> Pixels:
    """Return an image of 28x28 pixels, enlarged, dark on light, somewhere on a page."""
    side = int(random.integers(100, 420))
    ink = np.asarray(Image.fromarray(image).resize((side, side), Image.Resampling.BICUBIC)) / 255
    height, width = (int(side * random.uniform(1, 1.8)) for _ in range(2))
    top, left = int(random.integers(height - side + 1)), int(random.integers(width - side + 1))
    page = np.full((height, width), random.integers(200, 256), np.float64)
    part = page[top : top + side, left : left + side]
    part += (random.integers(0, 70) - part) * ink
    return np.rint(page).astype(np.uint8)


def photographed(image: Pixels, random: Random) -> Pixels:
    """Photograph one digit in any of `CONDITIONS`, in at most 500 pixels."""
    conditions = CONDITIONS[random.choice(list(CONDITIONS))]
    side = (min(300, conditions.side[0]), min(500, conditions.side[1]))
    return photograph_one(image, replace(conditions, side=side), random)


def surrounded(image: Pixels, random: Random) -> Pixels:
    """Return an enlarged digit with something beside it: a frame, an underline, specks, a dot inside or a torn edge."""
    side = int(random.integers(100, 300))
    ink = np.asarray(Image.fromarray(image).resize((side, side), Image.Resampling.BICUBIC))
    page = Image.new("L", (2 * side, 2 * side), int(random.integers(200, 256)))
    left, top = (int(random.integers(side // 4, 3 * side // 4)) for _ in range(2))
    page.paste(20, (left, top), Image.fromarray(ink))
    draw, pen, margin = ImageDraw.Draw(page), max(2, side // 40), side // 16
    match random.integers(5):
        case 0:
            draw.rectangle((left - margin, top - margin, left + side + margin, top + side + margin), None, 20, pen)
        case 1:
            draw.line((left, top + side + margin, left + side, top + side + margin), 20, pen)
        case 2:
            for x, y in random.integers(0, 2 * side, (8, 2)):
                draw.ellipse((x, y, x + 2 * pen, y + 2 * pen), fill=20)
        case 3:
            middle = (left + side // 2, top + side // 2)
            draw.ellipse((middle[0] - pen, middle[1] - pen, middle[0] + pen, middle[1] + pen), fill=20)
        case _:
            draw.line((2 * side - margin, 0, 2 * side - margin - pen, 2 * side), 60, 2 * pen)
    return np.asarray(page)


SINGLES: dict[str, Callable[[Pixels, Random], Pixels]] = {
    "28x28 pixels": lambda image, _: image,
    "enlarged": enlarged,
    "photographed": photographed,
    "frame, underline, specks": surrounded,
}
"""Name -> a picture of one digit."""


def handwritten(digits: Digits, random: Random) -> Pixels:
    """Photograph a row or column of two to six digits, with gaps of 0.05 to 1 of their height."""
    conditions = replace(CONDITIONS[random.choice(LOOSE)], rotation=0)
    size, gap, vertical = random.uniform(40, 160), random.uniform(0.05, 1), random.random() < 0.15
    written, along = [], 0.0
    for index in random.integers(0, len(digits[0]), random.integers(2, 7)):
        height = size * random.uniform(0.8, 1.2)
        extent = place(Written(digits[0][index], 0, 0, height))[0].shape[0 if vertical else 1]
        middle, across = along + extent / 2, random.uniform(-0.08, 0.08) * size
        row, column = (middle, across) if vertical else (across, middle)
        written.append(Written(digits[0][index], row, column, height, random.uniform(-5, 5)))
        along += extent + gap * size
    margin = random.uniform(0.2, 1) * size + 10
    length, depth = along - gap * size + 2 * margin, 1.3 * size + 2 * margin
    height, width = (length, depth) if vertical else (depth, length)
    shift = (margin, depth / 2) if vertical else (depth / 2, margin)
    moved = [replace(each, row=each.row + shift[0], column=each.column + shift[1]) for each in written]
    return photograph(moved, (round(height), round(width)), conditions, random)


def page(digits: Digits, random: Random) -> Pixels:
    """Photograph a page of four to twenty digits."""
    conditions: Conditions = replace(PAGES[random.choice(list(PAGES))], side=(600, 1000))
    chosen = random.integers(0, len(digits[0]), random.integers(4, 21))
    return photograph_page(digits[0][chosen], conditions, random)[0]


def small(digits: Digits, random: Random) -> Pixels:
    """Return two digits of 20x20 pixels side by side."""
    images = digits[0][random.integers(0, len(digits[0]), 2)]
    return np.pad(np.hstack([np.pad(image[4:24, 4:24], ((0, 0), (0, 2))) for image in images]), 2)


def printed(_: Digits, random: Random) -> Pixels:
    """Print two to six digits in one of the fonts of this machine."""
    fonts = sorted(map(str, FONTS.rglob("*.ttf")))
    size, text = int(random.integers(24, 200)), "".join(map(str, random.integers(0, 10, random.integers(2, 7))))
    font = ImageFont.truetype(random.choice(fonts), size) if fonts else ImageFont.load_default(size)
    left, top, right, bottom = map(int, font.getbbox(text))
    margin = int(size * random.uniform(0.2, 1))
    picture = Image.new("L", (right - left + 2 * margin, bottom - top + 2 * margin), 250)
    ImageDraw.Draw(picture).text((margin - left, margin - top), text, 20, font)
    return np.asarray(picture)


SEVERAL: dict[str, Callable[[Digits, Random], Pixels]] = {
    "handwritten row": handwritten,
    "page of 4 to 20": page,
    "two in 26x48 pixels": small,
    "printed": printed,
}
"""Name -> a picture of several digits."""


def count_singles(classifier: Classifier, digits: Digits, name: str, number: int) -> Iterator[str]:
    """Yield the outcome of `classify` for each picture of one digit. ``lost``: the check removed a right answer."""
    for index in range(min(number, len(digits[0]))):
        picture = SINGLES[name](digits[0][index], np.random.default_rng(index))
        found, label = classifier.classify(picture), digits[1][index]
        if found.reason == "several":
            yield "several"
            (alone,) = classifier.classify_ink([prepare_symbols(picture).ink])
            if alone.digit == label:
                yield "lost"
        else:
            yield "no digit" if found.digit is None else "right" if found.digit == label else "wrong"


def count_several(classifier: Classifier, digits: Digits, name: str, number: int) -> Iterator[str]:
    """Yield the outcome of `classify` for each picture of several digits. An answer with one digit is wrong."""
    random = np.random.default_rng(0)
    for _ in range(number):
        found = classifier.classify(SEVERAL[name](digits, random))
        yield "wrong" if found.digit is not None else "several" if found.reason == "several" else "no digit"


def main(argv: Sequence[str] | None = None) -> int:
    """Print both tables."""
    parser = argparse.ArgumentParser(prog="scripts/tool studies several-digits", description=__doc__)
    parser.add_argument("number", nargs="?", type=int, default=1000, help="pictures a row (default: 1000)")
    parser.add_argument("--images", type=Path, metavar="FILE.npz", help="other digits: `images` (n, 28, 28), `labels`")
    parser.add_argument("--rows", nargs="+", choices=[*SINGLES, *SEVERAL], metavar="ROW", help="default: all")
    arguments = parser.parse_args(argv)
    number, rows = arguments.number, arguments.rows or [*SINGLES, *SEVERAL]
    if arguments.images:
        with np.load(arguments.images) as arrays:
            digits = (arrays["images"], arrays["labels"])
    else:
        test = load_data("auto").test
        digits = (test.images, test.labels)
    with Classifier.load() as classifier:
        print(f"{'pictures':26} number    right   wrong  no digit  several    lost  seconds")
        for name in rows:
            started = time.monotonic()
            count = count_singles if name in SINGLES else count_several
            answers = Counter(count(classifier, digits, name, number))
            total = answers.total() - answers["lost"]
            shares = [answers[each] / total for each in ("right", "wrong", "no digit", "several", "lost")]
            widths = (9, 8, 10, 9, 8)
            line = "".join(f"{share:{width}.2%}" for share, width in zip(shares, widths, strict=True))
            print(f"{name:26}{total:7,}{line}{time.monotonic() - started:9.0f}", flush=True)
    return 0

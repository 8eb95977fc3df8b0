"""Draw docs/pictures: intervals of a proof, steps of a quantized number, and a photograph on its way to 28x28."""

from __future__ import annotations

import argparse
import json
from collections.abc import Sequence
from dataclasses import replace
from html import escape
from pathlib import Path
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
from PIL import Image, ImageDraw

from mnist_exporters.proof.statistics import drop_interval_95
from mnist_exporters.spec.precision import TOLERANCES, Precision
from mnist_runtime.preprocess.grayscale import grayscale
from mnist_runtime.preprocess.ink.photo import PhotoInk, photo_ink
from mnist_runtime.preprocess.ink.symbols import Symbol, main_symbol
from mnist_runtime.preprocess.prepare import LONGEST, SMALLEST, prepare
from mnist_runtime.system.atomic import atomic_write, check_output_path
from mnist_tools.checkout import ROOT
from mnist_tools.rendering.camera import CONDITIONS, Conditions, photograph_one, with_pen
from mnist_trainer import load_data

__all__ = ["PICTURES", "interval_picture", "main", "photograph_pictures", "quantization_picture"]

PICTURES = ROOT / "docs" / "pictures"
EXPORTS = ROOT / "docs" / "results" / "data" / "exports.json"

INK, GRAY, GOOD, BAD, WEAK = "#1b1b1f", "#6b7280", "#15803d", "#b91c1c", "#d1d5db"
STYLE = (
    f"text{{font:16px system-ui,sans-serif;fill:{INK};paint-order:stroke;stroke:#ffffff;stroke-width:5px}}"
    f".small{{font-size:14px;fill:{GRAY}}}.good{{font-weight:600;fill:{GOOD}}}.bad{{font-weight:600;fill:{BAD}}}"
)
WIDTH = 460

SEED, DIGIT, SIDE = 33, 5, 420
"""The photograph: its seed, the digit that it shows, and its longer side in pixels."""

Pixels = npt.NDArray[np.uint8]
Point = tuple[float, float]
RED, BLUE, YELLOW = (214, 40, 40), (37, 99, 235), (234, 179, 8)


class Case(NamedTuple):
    """One line of the picture of intervals: an export with its lost and gained answers."""

    title: str
    lost: int
    gained: int
    images: int


def _svg(height: int, title: str, parts: Sequence[str]) -> str:
    """Return a picture on a light card, which is readable on a dark page too."""
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height}" width="{WIDTH}" height="{height}" '
        f'role="img" aria-label="{escape(title)}">\n<style>{STYLE}</style>\n'
        f'<rect width="{WIDTH}" height="{height}" rx="8" fill="#ffffff"/>\n' + "\n".join(parts) + "\n</svg>\n"
    )


def _text(x: float, y: float, words: str, kind: str = "", anchor: str = "start") -> str:
    return f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}" class="{kind}">{escape(words)}</text>'


def _line(start: Point, end: Point, color: str, *, width: float = 2, dash: str = "") -> str:
    dashes = f' stroke-dasharray="{dash}"' if dash else ""
    return (
        f'<line x1="{start[0]:.1f}" y1="{start[1]:.1f}" x2="{end[0]:.1f}" y2="{end[1]:.1f}" stroke="{color}" '
        f'stroke-width="{width}" stroke-linecap="round"{dashes}/>'
    )


def _cases(exports: Path) -> list[Case]:
    """Return the intervals to draw: the measured export of `cnn`, and invented examples that pass or fail."""
    (cnn,) = [
        row["parity"]
        for row in json.loads(exports.read_text("utf-8"))
        if (row["model"], row["format"], row["precision"]) == ("cnn", "tflite", "int8")
    ]
    return [
        Case("cnn as int8, measured", cnn["lost"], cnn["gained"], cnn["images"]),
        Case("an export that gains some too", 40, 25, 10_000),
        Case("nothing lost, few images", 0, 0, 200),
        Case("nothing lost, enough images", 0, 0, 1_384),
        Case("an export that loses more", 60, 10, 10_000),
    ]


def interval_picture(exports: Path = EXPORTS) -> str:
    """Return the SVG with the confidence interval of several exports, and the tolerance of int8."""
    tolerance = TOLERANCES[Precision.INT8]
    left, right, low, high = 20.0, WIDTH - 20.0, -0.015, 0.015
    cases, step = _cases(exports), 80
    bottom = 46 + step * len(cases)

    def across(drop: float) -> float:
        return left + (right - left) * (drop - low) / (high - low)

    parts = [
        _line((across(tolerance), 30), (across(tolerance), bottom), GRAY, width=1.5, dash="5 5"),
        _line((across(0), 30), (across(0), bottom), WEAK, width=1.5),
        _text(across(tolerance) - 6, 22, f"tolerance: {tolerance * 100:g} points", "small"),
        _text(across(0), 22, "as the original", "small", "end"),
    ]
    for row, case in enumerate(cases):
        y = 60 + step * row
        lower, upper = drop_interval_95(case.lost, case.gained, case.images)
        drop = (case.lost - case.gained) / case.images
        color, kind, word = (GOOD, "good", "proven") if upper <= tolerance else (BAD, "bad", "refused")
        parts += [
            _text(left, y, case.title),
            _text(right, y, word, kind, "end"),
            _text(left, y + 20, f"{case.lost} lost, {case.gained} gained of {case.images:,} images", "small"),
            _line((across(lower), y + 38), (across(upper), y + 38), color, width=5),
            f'<circle cx="{across(drop):.1f}" cy="{y + 38}" r="7" fill="{color}" stroke="#ffffff" stroke-width="2"/>',
        ]
    for points in (-1, 0, 1):
        parts.append(_text(across(points / 100), bottom + 20, f"{points:+d}" if points else "0", "small", "middle"))
    parts.append(_text(WIDTH / 2, bottom + 42, "points lost, with the 95 % interval", "small", "middle"))
    return _svg(bottom + 56, "Confidence intervals of five exports, and the tolerance", parts)


def quantization_picture() -> str:
    """Return the SVG of a line of numbers with the steps that integers of 4 bits have."""
    left, right, y = 16.0, WIDTH - 16.0, 96
    steps, scale = range(-8, 8), 0.1
    weights = (-0.53, 0.17, 0.88)

    def across(value: float) -> float:
        return left + (right - left) * (value + 0.95) / 1.9

    parts = [
        _text(left, 28, "real = 0.1 * (q - 0)"),
        _text(left, 50, "4 bits: q is one of sixteen integers, -8 to 7", "small"),
        _line((across(-0.95), y), (across(0.95), y), WEAK),
    ]
    for step in steps:
        x = across(step * scale)
        parts += [_line((x, y - 9), (x, y + 9), INK), _text(x, y + 30, str(step), "small", "middle")]
    for weight in weights:
        nearest = min(max(round(weight / scale), steps[0]), steps[-1])
        x, end = across(weight), across(nearest * scale)
        cut = nearest == steps[-1] and weight / scale > nearest
        color = BAD if cut else GOOD
        words = "cut off" if cut else "rounded"
        parts += [
            f'<circle cx="{x:.1f}" cy="{y}" r="6" fill="{color}"/>',
            f'<path d="M {x:.1f} {y - 14} Q {(x + end) / 2:.1f} {y - 34} {end:.1f} {y - 14}" fill="none" '
            f'stroke="{color}" stroke-width="2"/>',
            _text((x + end) / 2, y + 54, f"{weight:g} → {nearest * scale:.1f}", "", "middle"),
            _text((x + end) / 2, y + 72, words, "small", "middle"),
        ]
    return _svg(184, "Numbers between two steps are rounded, numbers outside of the range are cut off", parts)


def photograph_pictures(seed: int = SEED) -> dict[str, Image.Image]:
    """Return the pictures of a photograph on its way to 28x28, by the name of their file."""
    digits = load_data("digits").test
    random = np.random.default_rng(seed)
    image = digits.images[np.flatnonzero(digits.labels == DIGIT)[seed]]
    photo = photograph_one(image, with_pen(_conditions()), random)
    gray = grayscale(photo, LONGEST)
    found = photo_ink(gray, SMALLEST)
    symbol = main_symbol(found.symbols, gray.shape)
    strokes = found.extract(symbol)
    prepared = Image.fromarray(prepare(photo))
    return {
        "photo-1-photograph.png": Image.fromarray(_tinted(photo)),
        "photo-2-gray.png": Image.fromarray(gray.astype(np.uint8)),
        "photo-3-ink.png": Image.fromarray(_bytes(found.ink)),
        "photo-4-lines.png": Image.fromarray(_marked(found)),
        "photo-5-symbols.png": _boxes(found, symbol),
        "photo-6-strokes.png": Image.fromarray(_on_black(strokes)),
        "photo-7-image.png": prepared.resize((280, 280), Image.Resampling.NEAREST),
    }


def _conditions() -> Conditions:
    return replace(
        CONDITIONS["phone, shadow, specks"], side=(SIDE, SIDE), ruled_lines="lines", height=(0.55, 0.6), stroke=0.3
    )


def _tinted(photo: Pixels) -> Pixels:
    """Return a gray photograph in the colors of paper and ink."""
    bright = photo[..., :1].astype(np.float32) / 255
    paper, ink = np.array([255, 248, 232], np.float32), np.array([20, 30, 90], np.float32)
    tinted: Pixels = np.clip(ink * (1 - bright) + paper * bright, 0, 255).astype(np.uint8)
    return tinted


def _bytes(ink: npt.NDArray[np.float32]) -> Pixels:
    """Return ink, with a mean of 1, as white on black."""
    pixels: Pixels = np.clip(ink * 200, 0, 255).astype(np.uint8)
    return pixels


def _marked(found: PhotoInk) -> Pixels:
    """Return the ink in white and the ruled lines in red."""
    pixels = np.dstack([_bytes(found.ink)] * 3)
    pixels[found.lines] = RED
    return pixels


def _boxes(found: PhotoInk, chosen: Symbol) -> Image.Image:
    """Return the components without the lines, with a box around each symbol, a thick one around the chosen one."""
    kept = np.where(found.components.labels >= 0, _bytes(found.ink), np.uint8(0))
    picture = Image.fromarray(np.dstack([kept] * 3))
    draw = ImageDraw.Draw(picture)
    for symbol in found.symbols:
        draw.rectangle(_box(symbol, 4), outline=BLUE, width=1)
    draw.rectangle(_box(chosen, 6), outline=YELLOW, width=3)
    return picture


def _box(symbol: Symbol, margin: int) -> tuple[int, int, int, int]:
    top, left, bottom, right = symbol.box
    return left - margin, top - margin, right + margin, bottom + margin


def _on_black(strokes: npt.NDArray[np.float32]) -> Pixels:
    """Return the strokes of one symbol in the middle of a black square."""
    side = round(1.25 * max(strokes.shape))
    square = np.zeros((side, side), np.uint8)
    top, left = ((side - length) // 2 for length in strokes.shape)
    square[top : top + strokes.shape[0], left : left + strokes.shape[1]] = np.clip(strokes, 0, 255)
    return square


def main(argv: Sequence[str] | None = None) -> int:
    """Write the pictures."""
    parser = argparse.ArgumentParser(prog="scripts/tool release pictures", description=__doc__)
    parser.add_argument(
        "--seed", type=int, default=SEED, help=f"another seed takes another photograph (default: {SEED})"
    )
    parser.add_argument("--output", type=Path, default=PICTURES, metavar="DIR")
    arguments = parser.parse_args(argv)
    texts = {"interval.svg": interval_picture(), "quantization.svg": quantization_picture()}
    arguments.output.mkdir(parents=True, exist_ok=True)
    for name, text in texts.items():
        _write(arguments.output / name, text.encode())
    for name, picture in photograph_pictures(arguments.seed).items():
        path = arguments.output / name
        check_output_path(path)
        with atomic_write(path) as temporary:
            picture.quantize(48).save(temporary, format="png", optimize=True)
        print(path)
    return 0


def _write(path: Path, content: bytes) -> None:
    check_output_path(path)
    with atomic_write(path) as temporary:
        temporary.write_bytes(content)
    print(path)

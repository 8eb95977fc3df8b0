"""Draw pictures of the digit wheels of a water meter: a folder for each of the digits 0 to 9, and N between two digits.

    python examples/meter/render.py FOLDER [TRAIN TEST]

Each picture is 20 pixels wide, 32 high, and in color. A wheel turns: where it stands between two digits, the picture
belongs to class N, for which a meter reader asks the next wheel.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import matplotlib
import numpy as np
from PIL import Image, ImageDraw, ImageFilter, ImageFont

WIDTH, HEIGHT = 20, 32
SCALE = 4
"""Pictures are drawn this many times larger, and then reduced."""
BETWEEN = (0.3, 0.7)
"""Share of the way to the next digit from which, and up to which, the wheel stands between two digits."""
UNCLEAR = 0.06
"""No wheel stands this near to `BETWEEN`, where people would not agree on the class."""
TRAIN, TEST = 200, 140
"""Number of pictures of each class."""
FONTS = ("DejaVuSans", "DejaVuSans-Bold", "DejaVuSansMono", "DejaVuSansMono-Bold", "STIXGeneralBol", "cmss10", "cmb10")
WHEELS = [((18, 18, 22), (236, 236, 226)), ((238, 236, 228), (24, 24, 28)), ((176, 22, 26), (244, 240, 234))]
"""Color of the wheel and of its digits: white on black, black on white, and white on red for decimals."""


def font(name: str, size: float) -> ImageFont.FreeTypeFont:
    """Return a font of matplotlib."""
    return ImageFont.truetype(Path(matplotlib.get_data_path()) / "fonts" / "ttf" / f"{name}.ttf", size)


def picture(digit: int, turn: float, rng: np.random.Generator) -> Image.Image:
    """Return a wheel that has turned by `turn`, 0..1, from `digit` to the next one."""
    width, height = WIDTH * SCALE, HEIGHT * SCALE
    step = height * rng.uniform(0.9, 1.15)  # distance between two digits on the wheel
    paper, ink = (np.clip(np.array(color) + rng.integers(-14, 15, 3), 0, 255) for color in WHEELS[rng.integers(3)])
    image = Image.new("RGB", (width, height), tuple(map(int, paper)))
    draw = ImageDraw.Draw(image)
    letters = font(FONTS[rng.integers(len(FONTS))], height * rng.uniform(0.72, 0.9))
    middle = (width / 2 + rng.normal(0, 3), height / 2 + rng.normal(0, 3))
    for place in (-1, 0, 1, 2):
        where = (middle[0], middle[1] + (place - turn) * step)
        draw.text(where, str((digit + place) % 10), tuple(map(int, ink)), letters, anchor="mm")
    image = image.rotate(rng.normal(0, 2), Image.Resampling.BICUBIC, fillcolor=tuple(map(int, paper)))
    image = image.filter(ImageFilter.GaussianBlur(rng.uniform(0.5, 4)))
    pixels = np.asarray(image.resize((WIDTH, HEIGHT), Image.Resampling.BOX), np.float64)
    return Image.fromarray(np.clip(_photographed(pixels, rng), 0, 255).astype(np.uint8))


def _photographed(pixels: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Return pixels (h, w, 3) under uneven light of any color, with a reflection on some, and noise."""
    y, x = np.mgrid[-1 : 1 : HEIGHT * 1j, -1 : 1 : WIDTH * 1j]
    round_wheel = 1 - rng.uniform(0.1, 0.45) * y**2  # the edges of a wheel are darker
    light = round_wheel * (1 + rng.uniform(-0.3, 0.3) * x + rng.uniform(-0.2, 0.2) * y)
    lit = pixels * light[..., None] * rng.uniform(0.5, 1.05) * rng.uniform(0.88, 1.08, 3)
    if rng.random() < 0.3:
        spot = np.exp(-(((x - rng.uniform(-1, 1)) / 0.4) ** 2) - ((y - rng.uniform(-1, 1)) / 0.3) ** 2)
        lit += rng.uniform(30, 120) * spot[..., None]
    return lit + rng.uniform(0, 30) + rng.normal(0, rng.uniform(1, 9), pixels.shape)


def wheel(label: str, rng: np.random.Generator) -> Image.Image:
    """Return a picture of the class `label`: a digit, or ``"N"`` between two."""
    low, high = BETWEEN
    if label == "N":
        return picture(int(rng.integers(10)), rng.uniform(low + UNCLEAR, high - UNCLEAR), rng)
    return picture(int(label), rng.uniform(high + UNCLEAR - 1, low - UNCLEAR), rng)


def render(folder: Path, train: int = TRAIN, test: int = TEST) -> None:
    """Write `train` and `test` pictures of each class into the folders ``train/CLASS`` and ``test/CLASS``."""
    for seed, (split, images) in enumerate({"train": train, "test": test}.items()):
        rng = np.random.default_rng(seed)
        for label in (*"0123456789", "N"):
            (folder / split / label).mkdir(parents=True, exist_ok=True)
            for number in range(images):
                wheel(label, rng).save(folder / split / label / f"{number:04}.png")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("folder", type=Path, help="where to write the pictures")
    parser.add_argument("train", type=int, nargs="?", default=TRAIN, help="pictures of each class to train with")
    parser.add_argument("test", type=int, nargs="?", default=TEST, help="pictures of each class to test with")
    arguments = parser.parse_args()
    render(arguments.folder, arguments.train, arguments.test)

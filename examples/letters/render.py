"""Draw pictures of the capital letters A to Z in many fonts, into a folder for each letter.

    python examples/letters/render.py FOLDER [TRAIN TEST]

Each picture is 28 x 28 pixels, gray, and white on black. ``page.png`` is a larger one, dark on light.
"""

from __future__ import annotations

import argparse
from pathlib import Path
from string import ascii_uppercase

import matplotlib
import numpy as np
from PIL import Image, ImageDraw, ImageFilter, ImageFont

SIDE, SCALE = 28, 4
"""Size of a picture, and how many times larger it is drawn before it is reduced."""
TRAIN, TEST = 80, 60
"""Number of pictures of each class."""
FONTS = (
    *("DejaVuSans", "DejaVuSans-Bold", "DejaVuSans-Oblique", "DejaVuSansMono", "DejaVuSerif", "DejaVuSerif-Bold"),
    *("STIXGeneral", "STIXGeneralBol", "STIXGeneralItalic", "cmr10", "cmss10", "cmtt10", "cmti10"),
)
"""Fonts of matplotlib."""


def letter(label: str, rng: np.random.Generator) -> Image.Image:
    """Return a picture of one letter, of any font, size, slant, thickness and place."""
    side = SIDE * SCALE
    file = Path(matplotlib.get_data_path()) / "fonts" / "ttf" / f"{FONTS[rng.integers(len(FONTS))]}.ttf"
    image = Image.new("L", (side, side))
    where = (side / 2 + rng.normal(0, 5), side / 2 + rng.normal(0, 5))
    font = ImageFont.truetype(file, side * rng.uniform(0.55, 0.9))
    ImageDraw.Draw(image).text(where, label, 255, font, anchor="mm", stroke_width=int(rng.integers(0, 4)))
    slant = rng.normal(0, 0.12)
    image = image.transform(image.size, Image.Transform.AFFINE, (1, slant, -slant * side / 2, 0, 1, 0))
    image = image.rotate(rng.normal(0, 6), Image.Resampling.BICUBIC)
    image = image.filter(ImageFilter.GaussianBlur(rng.uniform(0.5, 4))).resize((SIDE, SIDE), Image.Resampling.BOX)
    pixels = np.asarray(image, np.float64) * rng.uniform(0.6, 1) + rng.normal(0, rng.uniform(0, 12), (SIDE, SIDE))
    return Image.fromarray(np.clip(pixels, 0, 255).astype(np.uint8))


def page(text: str) -> Image.Image:
    """Return a page with dark writing on light paper, as from a camera."""
    rng = np.random.default_rng(7)
    image = Image.new("L", (240, 300), 225)
    font = ImageFont.truetype(Path(matplotlib.get_data_path()) / "fonts" / "ttf" / "DejaVuSerif-Bold.ttf", 160)
    ImageDraw.Draw(image).text((130, 140), text, 45, font, anchor="mm")
    pixels = np.asarray(image.filter(ImageFilter.GaussianBlur(1.5)), np.float64)
    light = np.linspace(0.75, 1, image.width)
    return Image.fromarray(np.clip(pixels * light + rng.normal(0, 4, pixels.shape), 0, 255).astype(np.uint8))


def render(folder: Path, train: int = TRAIN, test: int = TEST) -> None:
    """Write `train` and `test` pictures of each letter into ``train/LETTER`` and ``test/LETTER``, and a page."""
    for seed, (split, images) in enumerate({"train": train, "test": test}.items()):
        rng = np.random.default_rng(seed)
        for label in ascii_uppercase:
            (folder / split / label).mkdir(parents=True, exist_ok=True)
            for number in range(images):
                letter(label, rng).save(folder / split / label / f"{number:04}.png")
    page("R").save(folder / "page.png")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("folder", type=Path, help="where to write the pictures")
    parser.add_argument("train", type=int, nargs="?", default=TRAIN, help="pictures of each class to train with")
    parser.add_argument("test", type=int, nargs="?", default=TEST, help="pictures of each class to test with")
    arguments = parser.parse_args()
    render(arguments.folder, arguments.train, arguments.test)

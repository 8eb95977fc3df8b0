"""`Classifier.classify` for pictures of several digits."""

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageDraw

from mnist_runtime import Classifier, read

CLASSIFIER = Classifier.load()
SIDE = 96


def drawn(image: np.ndarray, side: int = SIDE) -> np.ndarray:
    """Return the strokes of an image as in MNIST, enlarged: black on white, 0..255."""
    large = Image.fromarray(image).resize((side, side), Image.Resampling.BICUBIC)
    return 255 - np.asarray(large)


def row(images: np.ndarray, step: int = SIDE) -> np.ndarray:
    """Return the digits side by side, a new one every `step` pixels."""
    page = np.full((SIDE + 40, step * len(images) + SIDE), 255, np.uint8)
    for number, image in enumerate(images):
        part = page[20 : 20 + SIDE, 20 + step * number : 20 + step * number + SIDE]
        np.minimum(part, drawn(image), out=part)
    return page


@pytest.mark.long
@pytest.mark.parametrize("count", [2, 3, 6])
@pytest.mark.parametrize("step", [SIDE, 2 * SIDE])
def test_several_digits_are_no_digit(legible: object, count: int, step: int) -> None:
    for first in range(0, 20 - count, 3):
        page = row(legible.images[first : first + count], step)
        found = CLASSIFIER.classify(page)
        assert (found.digit, found.reason, found.marks, found.ranking) == (None, "several", count, ())
        assert CLASSIFIER.classify(255 - page) == found
        assert len(read(page, CLASSIFIER)) == count


def test_digits_above_each_other_are_several(legible: object) -> None:
    page = np.concatenate([np.pad(drawn(image), 30, constant_values=255) for image in legible.images[4:7]])
    assert CLASSIFIER.classify(page).reason == "several"


def test_several_digits_on_rough_paper_are_no_digit(legible: object) -> None:
    random = np.random.default_rng(0)
    page = row(legible.images[6:9]) * 0.7 + np.linspace(20, 60, SIDE + 40)[:, None]
    page = page + random.normal(0, 4, page.shape)
    assert CLASSIFIER.classify(np.rint(page).astype(np.uint8)).reason == "several"


def test_several_digits_in_a_small_picture_are_no_digit(legible: object) -> None:
    digits = [image[4:24, 4:24] for image in legible.images[[6, 10]]]
    assert CLASSIFIER.classify(np.pad(np.hstack(digits), 2)).reason == "several"


def test_each_digit_alone_is_read(legible: object) -> None:
    for image, label in zip(legible.images, legible.labels, strict=True):
        for picture in (image, row(image[None])):
            found = CLASSIFIER.classify(picture)
            assert (found.digit, found.reason, found.marks) == (label, None, 1)


@pytest.mark.long
def test_what_is_around_a_digit_is_no_second_digit(legible: object) -> None:
    """A speck, an underline, a dot in a zero, a frame, and a bar from edge to edge."""
    for image, label in zip(legible.images[::2], legible.labels[::2], strict=True):
        for name in ("speck", "underline", "dot", "frame", "edge"):
            page = Image.fromarray(row(image[None]))
            draw = ImageDraw.Draw(page)
            width, height = page.size
            match name:
                case "speck":
                    draw.ellipse((width - 40, 30, width - 32, 38), fill=30)
                case "underline":
                    draw.line((20, height - 12, 120, height - 12), 0, 4)
                case "dot":
                    draw.ellipse((64, 64, 70, 70), fill=0)
                case "frame":
                    draw.rectangle((8, 8, 130, height - 8), outline=0, width=3)
                case _:
                    draw.line((width - 20, 0, width - 20, height), 0, 6)
            found = CLASSIFIER.classify(np.asarray(page))
            assert found.reason != "several", (name, label)
            assert name == "frame" or found.digit in (label, None), (name, label)


def test_the_commands_say_what_to_use(
    run: Callable[..., object], legible: object, tmp_path: Path, seven: np.ndarray
) -> None:
    Image.fromarray(row(legible.images[:3])).save(tmp_path / "my page.png")
    Image.fromarray(seven).save(tmp_path / "seven.png")
    done = run("mnist-runtime", "classify", tmp_path / "my page.png", tmp_path / "seven.png")
    first, second = done.stdout.splitlines()
    page = tmp_path / "my page.png"
    words = "no digit; the picture shows several digits (3 marks). Use: mnist-runtime read"
    assert first == f"{page}: {words} '{page}'"
    assert second.startswith(f"{tmp_path / 'seven.png'}: 7 (")
    assert (done.returncode, done.stderr) == (0, "")

    done = run("mnist-runtime", "classify", "--json", page, tmp_path / "seven.png")
    several, one = json.loads(done.stdout)["results"]
    assert several == {
        "file": str(page), "digit": None, "label": None, "confidence": 0, "top": [], "reason": "several", "marks": 3
    }  # fmt: skip
    assert (one["digit"], one["reason"], one["marks"]) == (7, None, 1)

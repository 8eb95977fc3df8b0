"""Digits that consist of several parts beside each other."""

from collections.abc import Callable, Iterator

import numpy as np
import pytest
from PIL import Image, ImageDraw, ImageFont

from mnist_runtime import Classifier, read

Font = Callable[[int], ImageFont.FreeTypeFont]


@pytest.fixture(scope="module")
def classifier() -> Iterator[Classifier]:
    with Classifier.load() as classifier:
        yield classifier


@pytest.mark.parametrize("noise", [0, 3])
@pytest.mark.parametrize("digit", [0, 7, 8])
def test_a_stencil_digit_is_read(digit: int, noise: float, font: Font, classifier: Classifier) -> None:
    page = Image.new("L", (160, 200), 255)
    draw = ImageDraw.Draw(page)
    draw.text((80, 100), str(digit), fill=0, font=font(150), stroke_width=3, anchor="mm")
    draw.rectangle([78, 0, 81, 200], fill=255)
    picture = 20 + 0.85 * np.asarray(page) + np.random.default_rng(0).normal(0, noise, (200, 160))
    assert classifier.classify(picture.astype(np.uint8)).digit == digit


def test_a_row_of_dots_with_gaps_is_read(classifier: Classifier) -> None:
    shapes = {2: "11111 00001 00001 11111 10000 10000 11111", 4: "10001 10001 10001 11111 00001 00001 00001"}
    page = Image.new("L", (300, 220), 255)
    draw = ImageDraw.Draw(page)
    for place, shape in enumerate(shapes.values()):
        for y, row in enumerate(shape.split()):
            for x in (x for x, dot in enumerate(row) if dot == "1"):
                left, top = 30 + 130 * place + 20 * x, 40 + 20 * y
                draw.ellipse([left, top, left + 14, top + 14], fill=0)
    assert [answer.prediction.digit for answer in read(np.asarray(page), classifier)] == list(shapes)

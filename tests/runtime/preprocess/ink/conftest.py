"""Digits on drawn pages, and the ready model that reads them."""

import numpy as np
import pytest
from PIL import Image

from mnist_runtime import Classifier


@pytest.fixture(scope="module")
def classifier() -> Classifier:
    return Classifier.load()


def write(page: Image.Image, image: np.ndarray, column: int, row: int, size: int) -> None:
    """Draw an image of a digit in black on `page`, centered at a column and a row, `size` pixels wide and high."""
    digit = Image.fromarray(image).resize((size, size), Image.Resampling.BICUBIC)
    page.paste(0, (column - size // 2, row - size // 2), digit)

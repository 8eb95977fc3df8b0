import numpy as np
import pytest

from mnist_runtime import PictureError
from mnist_runtime.reading.page import find


def page(scale: int = 1) -> np.ndarray:
    """Return a page with three ones, a dot and a long bar."""
    pixels = np.full((300, 500), 230, np.uint8)
    pixels[40:100, 60:66] = pixels[42:102, 200:206] = 20
    pixels[150:210, 60:66] = pixels[150:153, 300:303] = pixels[40:200, 440:446] = 20
    return pixels.repeat(scale, axis=0).repeat(scale, axis=1)


@pytest.mark.parametrize("scale", [1, 4])
def test_symbols_with_the_size_of_a_digit_are_found(scale: int) -> None:
    found = find(page(scale))
    boxes = np.array(sorted(symbol.box for symbol in found)) / scale
    assert boxes == pytest.approx(np.array([(60, 40, 66, 100), (60, 150, 66, 210), (200, 42, 206, 102)]), abs=1)
    for symbol in found:
        assert symbol.ink.image.shape == (28, 28)
        assert not symbol.ink.is_scribble


def dense_page(boxes: bool) -> np.ndarray:
    """Return a page with 30 rows of 25 ones, or with as many empty boxes."""
    pixels = np.full((1230, 1050), 230, np.uint8)
    for top in range(15, 1200, 40):
        for left in range(25, 1025, 40):
            if boxes:
                pixels[top : top + 30, left : left + 32] = 20
                pixels[top + 2 : top + 28, left + 2 : left + 30] = 230
            else:
                pixels[top : top + 20, left : left + 3] = 20
    return pixels


def test_all_symbols_of_a_dense_page_are_found() -> None:
    assert len(find(dense_page(boxes=False))) == 30 * 25


def test_all_empty_boxes_of_a_dense_page_are_removed() -> None:
    assert find(dense_page(boxes=True)) == []


def test_an_empty_page_has_no_symbols() -> None:
    assert find(np.full((300, 500), 230, np.uint8)) == []


def test_too_large_a_picture_is_rejected() -> None:
    with pytest.raises(PictureError, match="50,000,000"):
        find(np.lib.stride_tricks.as_strided(np.zeros(1, np.uint8), (10_000, 10_000), (0, 0)))

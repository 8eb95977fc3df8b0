import numpy as np
import pytest

from mnist_runtime import BlankError
from mnist_runtime.preprocess.grayscale import FloatImage, grayscale
from mnist_runtime.preprocess.ink.clean import clean_ink, flat_background_ink


@pytest.fixture
def drawing(seven: np.ndarray) -> FloatImage:
    return grayscale(seven, 640)


def test_the_ink_of_a_drawing_is_exact(drawing: FloatImage) -> None:
    ink = clean_ink(drawing)
    assert ink is not None
    assert np.array_equal(ink, flat_background_ink(drawing))
    assert set(np.unique(ink)) == {0, 255}
    assert np.array_equal(clean_ink(255 - drawing), ink)


def test_pictures_that_are_not_clean_have_no_clean_ink(drawing: FloatImage) -> None:
    lined, two, thin, speck, stained = (drawing.copy() for _ in range(5))
    lined[::24] = 150
    two[30:90, 2:7] = 20
    thin[:] = 250
    thin[20:100, 40:42] = 20
    speck[110, 80] = 20
    stained[5:-5, 5:-5] -= 4
    noisy = drawing + np.random.default_rng(0).normal(0, 2, drawing.shape).astype(np.float32)
    shaded = drawing * np.linspace(1, 0.5, 90, dtype=np.float32)
    for picture in (lined, two, thin, speck, stained, noisy, shaded):
        assert clean_ink(picture) is None


def test_a_sheet_of_paper_or_a_key_is_no_clean_ink(drawing: FloatImage) -> None:
    rows, columns = np.indices((200, 240))
    for surface in ((abs(rows - 100) < 90) & (abs(columns - 120) < 80), np.hypot(rows - 100, columns - 120) < 95):
        picture = np.where(surface, np.float32(230), np.float32(60))
        assert clean_ink(picture) is None
        picture[abs(rows - 100) + 8 * abs(columns - 120) < 60] = 20
        assert clean_ink(picture) is None
    bar = np.where((abs(rows - 100) < 90) & (abs(columns - 120) < 20), np.float32(20), np.float32(230))
    assert clean_ink(bar) is not None


def test_pictures_without_ink_are_rejected(drawing: FloatImage) -> None:
    with pytest.raises(BlankError, match="by only 15 of 255"):
        flat_background_ink(np.where(drawing < 100, np.float32(235), np.float32(250)))
    with pytest.raises(BlankError, match="noise only"):
        flat_background_ink(np.random.default_rng(0).normal(128, 20, (9, 9)).astype(np.float32))

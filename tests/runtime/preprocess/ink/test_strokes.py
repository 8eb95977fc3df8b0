import numpy as np
import pytest

from mnist_runtime.preprocess.ink.strokes import is_thin, stroke_width, thicken


def bar(width: int, length: int = 110) -> np.ndarray:
    return np.ones((length, width), bool)


@pytest.mark.parametrize("width", [4, 6, 9])
def test_the_width_of_a_bar_is_measured(width: int) -> None:
    assert stroke_width(bar(width)) == pytest.approx(width, rel=0.15)


def test_a_thin_stroke_is_thickened_in_all_directions() -> None:
    thin = np.zeros((110, 60), bool)
    thin[:, 30:32] = True
    assert is_thin(thin, 110)
    thick = thicken(np.where(thin, np.float32(200), np.float32(0)), thin)
    assert thick.max() == 200
    assert stroke_width(thick > 0) == pytest.approx(10, abs=1.5)
    steps = (thick.shape[0] - 110) // 2
    rows, columns = np.nonzero(thick)
    beyond_ends = np.maximum(0, np.maximum(steps - rows, rows - (steps + 109)))
    beyond_sides = np.maximum(0, np.maximum(steps + 30 - columns, columns - (steps + 31)))
    assert np.hypot(beyond_ends, beyond_sides).max() < 5


def test_a_thick_stroke_is_unchanged() -> None:
    ink = np.random.default_rng(0).random((110, 12), np.float32)
    assert np.array_equal(thicken(ink, bar(12)), ink)
    assert not is_thin(bar(12), 110)

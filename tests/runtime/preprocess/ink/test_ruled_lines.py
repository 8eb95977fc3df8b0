import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis.extra import numpy as arrays

from mnist_runtime.preprocess.ink.ruled_lines import find_ruled_lines

ROWS, COLUMNS = np.indices((240, 320))


def lines(pitch: float, degrees: float, width: float = 3.0, bend: float = 0.0) -> np.ndarray:
    down = ROWS - np.tan(np.radians(degrees)) * (COLUMNS - 160) - bend * ((COLUMNS - 160) / 160) ** 2
    return (down + 20) % pitch < width


STROKE = (np.abs(COLUMNS - 150 - (ROWS - 120) / 4) < 7) & (np.abs(ROWS - 120) < 70)
"""As of a 1."""


@pytest.mark.parametrize("degrees", [-6, -2.1, 0, 0.4, 7])
@pytest.mark.parametrize("bend", [0, 4])
def test_lines_go_and_the_stroke_stays_whole(degrees: float, bend: float) -> None:
    printed = lines(50, degrees, bend=bend)
    found = find_ruled_lines(printed | STROKE)
    assert not (found & STROKE & ~printed).any()
    assert (found & ~STROKE).sum() > 0.93 * (printed & ~STROKE).sum()
    assert (found & STROKE).sum() < 0.05 * STROKE.sum()


def test_a_grid_is_lines_both_ways() -> None:
    printed = lines(50, 1) | (np.abs((COLUMNS + ROWS * np.tan(np.radians(1))) % 60) < 3)
    assert find_ruled_lines(printed).sum() > 0.9 * printed.sum()


def test_strokes_are_no_lines_however_straight() -> None:
    bar = (np.abs(ROWS - 120) < 3) & (np.abs(COLUMNS - 160) < 90)  # across 56 % of the picture
    assert not find_ruled_lines(STROKE).any()
    assert not find_ruled_lines(bar | STROKE).any()
    assert not find_ruled_lines(
        (np.abs(ROWS - 120) < 3) & (np.abs(COLUMNS - 160) > 70)
    ).any()  # two dashes, one at either end
    assert find_ruled_lines(np.abs(ROWS - 120) < 3).any()  # and across all of it


def test_what_is_thick_is_no_line() -> None:
    assert not find_ruled_lines(np.abs(ROWS - 120) < 12).any()


@settings(max_examples=40)
@given(arrays.arrays(np.bool_, arrays.array_shapes(min_dims=2, max_dims=2, min_side=1, max_side=90)))
def test_only_what_is_dark_is_a_line(mask: np.ndarray) -> None:
    assert not (find_ruled_lines(mask) & ~mask).any()

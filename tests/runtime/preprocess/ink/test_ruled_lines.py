import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis.extra import numpy as arrays

from mnist_runtime.preprocess.ink.ruled_lines import find_ruled_lines

ROWS, COLUMNS = np.indices((240, 320))
STROKE = (np.abs(COLUMNS - 150 - (ROWS - 120) / 4) < 7) & (np.abs(ROWS - 120) < 70)
"""The stroke of a 1."""


def ruled(pitch: float, degrees: float, width: float = 3.0, bend: float = 0.0) -> np.ndarray:
    down = ROWS - np.tan(np.radians(degrees)) * (COLUMNS - 160) - bend * ((COLUMNS - 160) / 160) ** 2
    return (down + 20) % pitch < width


@pytest.mark.parametrize("degrees", [-6, -2.1, 0, 0.4, 7])
@pytest.mark.parametrize("bend", [0, 4])
def test_lines_are_found_and_the_stroke_is_not(degrees: float, bend: float) -> None:
    printed = ruled(50, degrees, bend=bend)
    found = find_ruled_lines(printed | STROKE)
    assert not (found & STROKE & ~printed).any()
    assert (found & ~STROKE).sum() > 0.93 * (printed & ~STROKE).sum()
    assert (found & STROKE).sum() < 0.05 * STROKE.sum()


@pytest.mark.parametrize("pitch", [6, 7, 9, 13])
def test_lines_that_are_close_together_are_all_found(pitch: int) -> None:
    printed = ruled(pitch, 1, width=1.5)
    assert find_ruled_lines(printed).sum() > 0.95 * printed.sum()


def test_a_line_that_leaves_the_picture_is_found_beside_others() -> None:
    printed = ruled(50, 5)[34:]
    corner = printed & (ROWS[34:] < 48)  # on a third of the width; the next line crosses the whole picture
    assert 0.2 < corner.any(axis=0).mean() < 0.5
    assert (find_ruled_lines(printed) & corner).sum() > 0.9 * corner.sum()
    assert not find_ruled_lines(corner).any()


def test_a_grid_has_lines_in_both_directions() -> None:
    printed = ruled(50, 1) | (np.abs((COLUMNS + ROWS * np.tan(np.radians(1))) % 60) < 3)
    assert find_ruled_lines(printed).sum() > 0.9 * printed.sum()


@pytest.mark.parametrize("degrees", [0, 1, -3])
def test_no_dots_are_left_where_lines_cross(degrees: float) -> None:
    level = ruled(50, degrees)
    upright = np.abs((COLUMNS + ROWS * np.tan(np.radians(degrees)) - 30) % 60) < 3
    found = find_ruled_lines(level | upright | STROKE)
    crossing = level & upright & (np.abs(COLUMNS - 150) > 60)
    assert crossing.sum() > 100
    assert found[crossing].all()
    assert not (found & STROKE & ~level & ~upright).any(), "a stroke over a crossing stays"


def test_a_1_on_a_crossing_of_a_grid_stays() -> None:
    printed = (ROWS % 60 < 3) | (COLUMNS % 60 < 3)
    one = (np.abs(ROWS - 121) < 50) & (np.abs(COLUMNS - 181) < 8)
    found = find_ruled_lines(printed | one)
    assert not (found & one & ~printed).any()
    assert found[printed].mean() > 0.9


def test_straight_strokes_are_not_lines() -> None:
    bar = (np.abs(ROWS - 120) < 3) & (np.abs(COLUMNS - 160) < 90)  # across 56 % of the picture
    dashes = (np.abs(ROWS - 120) < 3) & (np.abs(COLUMNS - 160) > 70)  # one at either end
    assert not find_ruled_lines(STROKE).any()
    assert not find_ruled_lines(bar | STROKE).any()
    assert not find_ruled_lines(dashes).any()
    assert find_ruled_lines(np.abs(ROWS - 120) < 3).any()  # across the whole picture


@pytest.mark.parametrize("number", [10, 15, 20])
def test_rows_of_small_digits_are_not_lines(request: pytest.FixtureRequest, number: int) -> None:
    pytest.importorskip("mnist_trainer", reason="the trainer loads many digits")
    images = np.resize(request.getfixturevalue("digits").test.images, (number**2, 28, 28))
    page = images.reshape(number, number, 28, 28).swapaxes(1, 2).reshape(28 * number, 28 * number)
    for enlarged in (page, page.repeat(2, axis=0).repeat(2, axis=1)):
        assert not find_ruled_lines(enlarged > 80).any()


def test_a_line_under_many_thick_strokes_is_found() -> None:
    line = np.abs(ROWS - 120) < 2
    strokes = ((COLUMNS - 20) % 60 < 20) & (COLUMNS >= 20) & (np.abs(ROWS - 120) < 40)  # a third of the width
    found = find_ruled_lines(line | strokes)
    assert found[line & ~strokes].all()
    assert not (found & strokes & ~line).any()


def test_a_line_of_uneven_thickness_is_found() -> None:
    """As a faint one; only a third of it has its usual thickness."""
    thickness = np.random.default_rng(0).choice([1, 3, 5], 320)
    line = np.abs(ROWS - 120) <= thickness // 2
    assert np.array_equal(find_ruled_lines(line), line)


def test_a_thick_bar_is_not_a_line() -> None:
    assert not find_ruled_lines(np.abs(ROWS - 120) < 12).any()


@settings(max_examples=40)
@given(arrays.arrays(np.bool_, arrays.array_shapes(min_dims=2, max_dims=2, min_side=1, max_side=90)))
def test_lines_are_part_of_the_mask(mask: np.ndarray) -> None:
    assert not (find_ruled_lines(mask) & ~mask).any()

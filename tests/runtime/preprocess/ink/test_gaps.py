"""Gaps within digits are closed, gaps between digits are kept."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis.extra import numpy as arrays

from mnist_runtime.preprocess.ink.components import connected_components
from mnist_runtime.preprocess.ink.strokes import bridges, components_across_gaps, stroke_width

SEGMENTS = {
    "top": (0, 8, 12, 52),
    "upper left": (8, 0, 54, 12),
    "upper right": (8, 48, 54, 60),
    "middle": (48, 8, 60, 52),
    "lower left": (54, 0, 100, 12),
    "lower right": (54, 48, 100, 60),
    "bottom": (96, 8, 108, 52),
}
"""Boxes of the segments of an 8 on a display; they overlap at the corners."""


def draw(mask: np.ndarray, names: list[str], left: int, gap: int) -> None:
    """Draw segments, each `gap` shorter at its ends, with pointed corners."""
    for name in names:
        top, first, bottom, last = SEGMENTS[name]
        rows, columns = np.indices((bottom - top, last - first))
        along, across = (columns, rows) if last - first > bottom - top else (rows, columns)
        length, thickness = along.max() + 1, across.max() + 1
        point = np.abs(across - (thickness - 1) / 2)
        inside = (along >= gap + point) & (along <= length - 1 - gap - point)
        mask[10 + top : 10 + bottom, left + first : left + last] |= inside


@pytest.mark.parametrize("broken", [False, True])
@pytest.mark.parametrize("left_out", SEGMENTS)
def test_the_segments_of_a_digit_are_joined(left_out: str, broken: bool) -> None:
    mask = np.zeros((130, 200), bool)
    names = [name for name in SEGMENTS if name != left_out]
    draw(mask, names, 15, 2)
    draw(mask, names, 105, 2)
    assert connected_components(mask).number == 12
    assert components_across_gaps(mask, broken=broken).number == 2


@pytest.mark.parametrize("gap", [3, 6])
def test_whole_digits_stay_apart_unless_strokes_are_broken(gap: int) -> None:
    mask = np.zeros((90, 120), bool)
    for left in (20, 32 + gap, 44 + 2 * gap):
        mask[10:80, left : left + 12] = True
    found = components_across_gaps(mask, broken=False)
    assert found.boxes.tolist() == [[10, left, 80, left + 12] for left in (20, 32 + gap, 44 + 2 * gap)]
    assert components_across_gaps(mask, broken=True).number == 1


def test_a_wide_gap_is_kept() -> None:
    mask = np.zeros((90, 60), bool)
    mask[5:40, 20:32] = mask[52:85, 20:32] = True
    assert components_across_gaps(mask, broken=True).number == 2


@given(arrays.arrays(np.bool_, arrays.array_shapes(min_dims=2, max_dims=2, max_side=30)))
def test_components_are_unions_of_connected_ones(mask: np.ndarray) -> None:
    parts = connected_components(mask)
    for broken in (False, True):
        found = components_across_gaps(mask, broken=broken)
        assert np.array_equal(found.labels >= 0, mask)
        together = {(int(part), int(group)) for part, group in zip(parts.labels[mask], found.labels[mask], strict=True)}
        assert len(together) == parts.number
        for number, (top, left, bottom, right) in enumerate(found.boxes):
            rows, columns = np.nonzero(found.labels == number)
            assert (rows.min(), columns.min(), rows.max() + 1, columns.max() + 1) == (top, left, bottom, right)


@pytest.mark.parametrize(("gap", "filled"), [(0, False), (2, True), (6, True), (14, False)])
def test_a_narrow_gap_between_two_strokes_is_bridged(gap: int, filled: bool) -> None:
    strokes = np.zeros((120, 40), bool)
    strokes[5:60, 15:25] = strokes[60 + gap : 110, 15:25] = True
    between = bridges(strokes)
    assert between[60 : 60 + gap, 15:25].all() if filled else not between.any()
    assert stroke_width(strokes | between) < 12


def test_a_speck_is_not_joined_to_a_stroke() -> None:
    strokes = np.zeros((120, 40), bool)
    strokes[5:60, 15:25] = strokes[62:65, 18:21] = True
    assert not bridges(strokes).any()


def test_the_dot_of_a_0_is_left_apart() -> None:
    rows, columns = np.indices((120, 80))
    radius = np.hypot((rows - 60) / 55, (columns - 40) / 35)
    dot = np.hypot(rows - 60, columns - 40) < 14
    assert not bridges((radius < 1) & (radius > 0.7) | dot).any()

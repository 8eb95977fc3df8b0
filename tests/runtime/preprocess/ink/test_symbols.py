import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis.extra import numpy as arrays

from mnist_runtime.preprocess.ink.symbols import (
    MOST,
    Symbol,
    barcode_bars,
    cuts,
    digit_marks,
    group_symbols,
    main_symbol,
    typical_height,
)

STEM, BAR, BELOW = (20, 20, 80, 50), (10, 30, 16, 55), (95, 22, 150, 48)
"""Boxes of the body of a 5, its bar, and a digit in the next row."""


def boxes_of(parts: list[tuple[int, int, int, int]], density: float = 0.3) -> tuple[np.ndarray, np.ndarray]:
    boxes = np.array(parts)
    return boxes, density * (boxes[:, 2] - boxes[:, 0]) * (boxes[:, 3] - boxes[:, 1])


def test_a_bar_joins_its_5_and_not_the_next_digit() -> None:
    neighbor = (20, 62, 80, 92)
    found = group_symbols(*boxes_of([STEM, BAR, neighbor]))
    assert sorted(symbol.components for symbol in found) == [(0, 1), (2,)]
    assert next(symbol for symbol in found if 1 in symbol.components).box == (10, 20, 80, 55)


@pytest.mark.parametrize("other", [(20, 54, 80, 80), BELOW, (84, 47, 144, 77)])
def test_two_digits_stay_separate(other: tuple[int, int, int, int]) -> None:
    assert len(group_symbols(*boxes_of([STEM, other]))) == 2


def test_two_digits_that_touch_do_not_swallow_the_page() -> None:
    touching = (100, 100, 160, 210)
    others = [(row, column, row + 60, column + 40) for row in (20, 180, 260) for column in (100, 165, 230)]
    found = group_symbols(*boxes_of([touching, *others]))
    assert sorted(symbol.box for symbol in found) == sorted([touching, *others])


def test_the_order_of_the_components_does_not_matter() -> None:
    parts = [STEM, BAR, BELOW, (20, 62, 80, 92), (15, 70, 17, 72)]
    expected = {symbol.box for symbol in group_symbols(*boxes_of(parts))}
    for seed in range(10):
        shuffled = [parts[n] for n in np.random.default_rng(seed).permutation(len(parts))]
        assert {symbol.box for symbol in group_symbols(*boxes_of(shuffled))} == expected


def test_a_speck_is_left_out() -> None:
    speck = (85, 30, 87, 32)
    assert [symbol.components for symbol in group_symbols(*boxes_of([STEM, speck]))] == [(0,)]


def test_only_the_components_with_the_most_ink_are_used() -> None:
    rows, columns = np.divmod(np.arange(40_000), 200)
    boxes = np.stack([10 * rows, 10 * columns, 10 * rows + 2, 10 * columns + 2], axis=1)
    masses = np.ones(len(boxes))
    masses[123] = 2
    found = group_symbols(boxes, masses)
    assert sum(len(symbol.components) for symbol in found) == MOST
    assert found[0].components == (123,)


def test_the_main_symbol_is_inside_the_picture_and_includes_everything_near() -> None:
    cut, far = (0, 0, 100, 30), (150, 150, 190, 165)
    near = (65, 82, 105, 94)
    found = group_symbols(*boxes_of([(60, 60, 120, 75), near, cut, far]))
    assert len(found) == 4
    assert main_symbol(found, (200, 200)).box == (60, 60, 120, 94)
    assert main_symbol(group_symbols(*boxes_of([cut])), (200, 200)).box == cut  # the only symbol


@pytest.mark.parametrize(("gap", "length"), [(-1, 120), (3, 80), (12, 50)])
def test_a_line_under_a_digit_is_no_part_of_it(gap: int, length: int) -> None:
    digit, line = (50, 80, 110, 115), (110 + gap, 97 - length // 2, 114 + gap, 97 + length // 2)
    for density in (0.3, 0.01):  # the line may have more ink than the digit
        boxes, masses = boxes_of([digit, line])
        found = group_symbols(boxes, masses * np.array([density, 1.0]))
        assert sorted(symbol.box for symbol in found) == [digit, line]
        assert main_symbol(found, (200, 200)).box == digit


@pytest.mark.parametrize("bar", [(46, 80, 50, 122), (112, 82, 116, 120)])
def test_the_bar_of_a_digit_is_a_part_of_it(bar: tuple[int, int, int, int]) -> None:
    (found,) = group_symbols(*boxes_of([(50, 80, 110, 115), bar]))
    assert set(found.components) == {0, 1}


def test_dashes_do_not_count_as_digits() -> None:
    dashes = [(100, 100 * n, 108, 100 * n + 90) for n in range(9)]
    found = group_symbols(*boxes_of([(40, 120, 80, 150), *dashes]))
    assert typical_height(found) == 40
    assert typical_height(found[:-1] if found[-1].height == 40 else found[1:]) == 8


def test_the_typical_height_is_the_median_weighted_by_ink() -> None:
    found = group_symbols(*boxes_of([(0, 0, 40, 20), (0, 100, 42, 120), (0, 200, 44, 220), (0, 300, 90, 310)]))
    assert typical_height(found) == 44
    assert typical_height([]) == 0


def marks_of(*parts: tuple[int, int, int, int]) -> list[tuple[int, int, int, int]]:
    return [mark.box for mark in digit_marks(group_symbols(*boxes_of(list(parts))), (300, 300))]


ONE, TWO = (20, 20, 80, 50), (24, 100, 88, 140)


def test_marks_are_symbols_of_similar_height() -> None:
    assert sorted(marks_of(ONE, TWO)) == [ONE, TWO]
    assert marks_of(ONE) == []
    for other in ((130, 20, 140, 90), (60, 100, 80, 112), (0, 100, 60, 130)):  # an underline, a speck, a shadow
        assert marks_of(ONE, other) == []
    assert marks_of(ONE, (5, 5, 95, 60)) == []  # a frame


def test_marks_at_an_edge_count_only_if_all_are_there() -> None:
    for edge in ((20, 270, 80, 300), (240, 150, 300, 180), (20, 0, 80, 15), (0, 150, 60, 180)):
        assert marks_of((100, 20, 160, 50), (104, 100, 168, 140), edge) == marks_of(
            (100, 20, 160, 50), (104, 100, 168, 140)
        )
    edges = [(0, 20, 60, 50), (0, 100, 62, 130)]
    assert sorted(marks_of(*edges)) == edges


def test_a_mark_has_at_most_twice_the_typical_height() -> None:
    digits = [(100, 60 * n + 5, 150, 60 * n + 35) for n in range(3)]
    assert len(marks_of(*digits, (60, 240, 158, 270))) == 4
    assert len(marks_of(*digits, (60, 240, 165, 270))) == 3


@pytest.mark.parametrize(("count", "bars"), [(6, 0), (7, 7)])
def test_seven_bars_within_their_height_are_a_barcode(count: int, bars: int) -> None:
    symbols = [Symbol((n,), 9.0, (10, 10 * n, 110, 10 * n + 4)) for n in range(count)]
    assert len(barcode_bars(symbols)) == bars


def test_two_strokes_that_touch_are_cut_between_them() -> None:
    ink = np.zeros((80, 60), np.float32)
    ink[:, 10:16] = ink[:, 44:50] = ink[38:42, 10:50] = 255
    assert any(left[:, 10:16].all() and right[:, 44:50].all() for left, right in cuts(ink))


@settings(max_examples=60)
@given(arrays.arrays(np.uint8, arrays.array_shapes(min_dims=2, max_dims=2, min_side=1, max_side=90)))
def test_a_cut_divides_the_ink(ink: np.ndarray) -> None:
    for left, right in cuts(ink.astype(np.float32)):
        assert np.array_equal(left + right, ink)
        assert not (left * right).any()
        for row in range(len(ink)):  # each row is cut at one place
            assert left[row].nonzero()[0].max(initial=-1) < right[row].nonzero()[0].min(initial=ink.shape[1])

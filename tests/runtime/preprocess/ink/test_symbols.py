import numpy as np
import pytest

from mnist_runtime.preprocess.ink.symbols import MOST, group_symbols, main_symbol, typical_height

STEM, BAR, BELOW = (20, 20, 80, 50), (10, 30, 16, 55), (95, 22, 150, 48)
"""The body of a 5, its bar, and a digit of the next row."""


def boxes_of(parts: list[tuple[int, int, int, int]], density: float = 0.3) -> tuple[np.ndarray, np.ndarray]:
    boxes = np.array(parts)
    return boxes, density * (boxes[:, 2] - boxes[:, 0]) * (boxes[:, 3] - boxes[:, 1])


def test_the_bar_belongs_to_its_five_and_not_to_its_neighbour() -> None:
    neighbour = (20, 62, 80, 92)
    found = group_symbols(*boxes_of([STEM, BAR, neighbour]))
    assert sorted(symbol.components for symbol in found) == [(0, 1), (2,)]
    assert next(symbol for symbol in found if 1 in symbol.components).box == (10, 20, 80, 55)


@pytest.mark.parametrize("other", [(20, 54, 80, 80), BELOW, (84, 47, 144, 77)])
def test_digits_side_by_side_and_of_two_rows_stay_two(other: tuple[int, int, int, int]) -> None:
    assert len(group_symbols(*boxes_of([STEM, other]))) == 2


def test_order_does_not_matter() -> None:
    parts = [STEM, BAR, BELOW, (20, 62, 80, 92), (15, 70, 17, 72)]
    expected = {symbol.box for symbol in group_symbols(*boxes_of(parts))}
    for seed in range(10):
        shuffled = [parts[n] for n in np.random.default_rng(seed).permutation(len(parts))]
        assert {symbol.box for symbol in group_symbols(*boxes_of(shuffled))} == expected


def test_a_speck_is_no_part() -> None:
    speck = (85, 30, 87, 32)
    assert [symbol.components for symbol in group_symbols(*boxes_of([STEM, speck]))] == [(0,)]


def test_thousands_of_parts_are_cut_to_those_with_the_most_ink() -> None:
    rows, columns = np.divmod(np.arange(40_000), 200)
    boxes = np.stack([10 * rows, 10 * columns, 10 * rows + 2, 10 * columns + 2], axis=1)
    masses = np.ones(len(boxes))
    masses[123] = 2
    found = group_symbols(boxes, masses)
    assert sum(len(symbol.components) for symbol in found) == MOST
    assert found[0].components == (123,)


def test_the_one_digit_of_a_picture_is_whole_and_all_that_is_near_it() -> None:
    cut, far = (0, 0, 100, 30), (150, 150, 190, 165)
    near = (65, 82, 105, 94)
    found = group_symbols(*boxes_of([(60, 60, 120, 75), near, cut, far]))
    assert len(found) == 4
    assert main_symbol(found, (200, 200)).box == (60, 60, 120, 94)
    assert main_symbol(group_symbols(*boxes_of([cut])), (200, 200)).box == cut  # there is nothing else


def test_the_usual_height_is_that_of_half_of_the_ink() -> None:
    found = group_symbols(*boxes_of([(0, 0, 40, 20), (0, 100, 42, 120), (0, 200, 44, 220), (0, 300, 90, 310)]))
    assert typical_height(found) == 44
    assert typical_height([]) == 0

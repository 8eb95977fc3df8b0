import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from mnist_runtime.preprocess.ink.components import (
    connected_components,
    convexity,
    dilate,
    neighbors,
    rectangularity,
)

ndimage = pytest.importorskip("scipy.ndimage")

MASKS = arrays.arrays(np.bool_, arrays.array_shapes(min_dims=2, max_dims=2, max_side=24))


@given(MASKS)
def test_components_are_those_of_scipy(mask: np.ndarray) -> None:
    found = connected_components(mask)
    expected, count = ndimage.label(mask, np.ones((3, 3)))
    assert found.number == count
    assert np.array_equal(found.labels + 1, expected)
    slices = ndimage.find_objects(expected)
    assert found.boxes.tolist() == [[a.start, b.start, a.stop, b.stop] for a, b in slices]


@given(MASKS, st.integers(0, 30))
def test_dilation_is_that_of_scipy(mask: np.ndarray, reach: int) -> None:
    assert np.array_equal(dilate(mask, reach), ndimage.binary_dilation(mask, np.ones((2 * reach + 1,) * 2)))


def test_a_long_spiral_is_one_component() -> None:
    rows, columns = np.indices((301, 301)) - 150
    spiral = (np.hypot(rows, columns) / 12 - np.arctan2(rows, columns) / (2 * np.pi)) % 1 < 0.5
    found = connected_components(spiral)
    assert found.number == ndimage.label(spiral, np.ones((3, 3)))[1]
    assert found.sums(np.ones(spiral.shape, np.float32)).max() > 0.6 * spiral.sum()


def test_sums_and_masks_are_per_component() -> None:
    mask = np.array([[1, 1, 0, 0], [0, 0, 0, 1]], bool)
    found = connected_components(mask)
    assert found.sums(np.arange(8, dtype=np.float32).reshape(2, 4)).tolist() == [1, 7]
    assert found.mask(np.array([False, True])).tolist() == [[False] * 4, [False, False, False, True]]


@given(MASKS, st.integers(0, 5))
def test_the_extremes_of_neighbors_are_those_of_scipy(mask: np.ndarray, reach: int) -> None:
    values = mask * np.arange(mask.size).reshape(mask.shape) % 7
    for which, expected in ((np.maximum, ndimage.maximum_filter), (np.minimum, ndimage.minimum_filter)):
        assert np.array_equal(neighbors(values, reach, which), expected(values, 2 * reach + 1, mode="nearest"))


@given(MASKS.filter(np.any))
def test_only_a_convex_area_fills_its_hull(mask: np.ndarray) -> None:
    assert 0 < convexity(mask) <= 1
    assert convexity(np.ones_like(mask)) == 1


def test_a_slanted_box_fills_its_parallelogram() -> None:
    rows, columns = np.indices((100, 100))
    assert rectangularity((np.abs(columns - rows / 4 - 38) < 30) & (rows > 20) & (rows < 80)) > 0.97
    assert rectangularity(np.hypot(rows - 50, columns - 50) < 40) < 0.82


def test_the_convexity_of_a_square_without_a_corner() -> None:
    area = np.ones((100, 100), bool)
    area[:50, :50] = False
    assert convexity(area) == pytest.approx(7500 / 8750, abs=0.005)


def test_the_convexity_of_an_area() -> None:
    rows, columns = np.indices((301, 301)) - 150
    assert convexity(np.hypot(rows, columns) < 140) > 0.99
    assert convexity(np.abs(rows) + np.abs(columns) < 140) > 0.98
    ring = np.abs(np.hypot(rows, columns) - 100) < 40
    assert convexity(ring) == pytest.approx((140**2 - 60**2) / 140**2, abs=0.01)

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mnist_runtime.preprocess.normalize import normalize


@given(st.integers(20, 90), st.integers(20, 90), st.integers(0, 30), st.integers(0, 30))
def test_a_rectangle_is_scaled_to_20_pixels_and_centered(height: int, width: int, above: int, left: int) -> None:
    ink = np.zeros((above + height + 9, left + width + 5), np.float32)
    ink[above : above + height, left : left + width] = 255
    image = normalize(ink)
    rows, columns = np.flatnonzero(image.max(axis=1) > 40), np.flatnonzero(image.max(axis=0) > 40)
    assert image.max() == 255
    assert max(np.ptp(rows), np.ptp(columns)) + 1 in (19, 20)
    assert abs(rows.mean() - 13.5) <= 1
    assert abs(columns.mean() - 13.5) <= 1
    shorter = min(height, width) / max(height, width) * 20
    assert min(np.ptp(rows), np.ptp(columns)) + 1 == pytest.approx(shorter, abs=2.2)


def test_the_center_of_mass_is_in_the_middle() -> None:
    ink = np.zeros((20, 20), np.float32)
    ink[:, :4] = 255
    ink[8:12, 4:] = 255
    image = normalize(ink)
    rows, columns = np.indices(image.shape)
    assert (image * rows).sum() / image.sum() == pytest.approx(13.5, abs=0.6)
    assert (image * columns).sum() / image.sum() == pytest.approx(13.5, abs=0.6)


def test_faint_pixels_do_not_extend_the_crop() -> None:
    ink = np.full((60, 60), 20, np.float32)
    ink[20:40, 20:40] = 255
    clean = np.where(ink > 100, ink, np.float32(0))
    assert np.array_equal(normalize(ink), normalize(clean))

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


def test_a_digit_with_the_size_of_the_box_keeps_its_pixels() -> None:
    ink = np.random.default_rng(0).integers(60, 256, (20, 20)).astype(np.float32)
    ink[10, 10] = 255
    ink += ink[::-1, ::-1].copy()  # its center of mass is in the middle
    ink *= 255 / ink.max()
    assert np.array_equal(normalize(ink)[4:24, 4:24], np.rint(ink))


def test_a_large_digit_is_averaged_and_a_thin_one_stays_white() -> None:
    noise = np.random.default_rng(0).integers(60, 256, (400, 400)).astype(np.float32)
    assert normalize(noise)[5:23, 5:23].min() > 200
    thin = np.zeros((400, 100), np.float32)
    thin[:, 50] = thin[399, :] = 255
    assert normalize(thin).max() == 255


def test_a_turned_digit_gives_the_turned_image() -> None:
    ink = np.zeros((90, 70), np.float32)
    ink[:, 60:] = ink[80:] = 255
    image = normalize(ink)
    assert np.array_equal(normalize(ink.T.copy()), image.T)
    rows = np.flatnonzero(image.any(axis=1)), np.flatnonzero(normalize(ink[::-1]).any(axis=1))
    assert np.abs(image[rows[0]].astype(int) - normalize(ink[::-1])[rows[1]][::-1]).max() <= 1


def test_the_box_stays_inside_the_image() -> None:
    """The center of mass of this ink is near its side; in the middle, a part would be outside."""
    ink = np.full((20, 20), 26, np.float32)
    ink[:, :5] = 255
    for turned, columns in ((ink, slice(8, 28)), (ink[:, ::-1], slice(0, 20))):
        assert np.array_equal(normalize(turned)[4:24, columns], turned)
        assert np.array_equal(normalize(turned.T)[columns, 4:24], turned.T)


def test_the_center_of_mass_is_at_pixel_14_as_in_mnist() -> None:
    for seed in range(20):
        ink = np.random.default_rng(seed).choice(np.float32([30, 255]), (20, 20))
        image = normalize(ink)
        for axis in (0, 1):
            masses = image.sum(axis=1 - axis, dtype=np.float64)
            assert 13.5 <= (masses * np.arange(28)).sum() / masses.sum() <= 14.5

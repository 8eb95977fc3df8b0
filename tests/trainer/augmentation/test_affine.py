import numpy as np

from mnist_trainer.augmentation.affine import random_affine

ROWS, COLUMNS = np.indices((28, 28))


def test_shifts_stay_within_their_limit_and_a_rotation_keeps_the_center() -> None:
    spot = np.zeros((64, 28, 28, 1), np.float32)
    spot[:, 13:15, 13:15] = 1
    moved = np.asarray(random_affine(spot, [1, 2], rotation=0, scale=0, shear=0, shift=3))[..., 0]
    for positions in (ROWS, COLUMNS):
        offsets = (moved * positions).sum(axis=(1, 2)) / moved.sum(axis=(1, 2)) - 13.5
        assert 2 < np.abs(offsets).max() <= 3.01
        assert abs(offsets.mean()) < 0.8
    turned = np.asarray(random_affine(spot, [1, 2], rotation=45, scale=0, shear=0, shift=0))[..., 0]
    assert np.abs((turned * ROWS).sum(axis=(1, 2)) / turned.sum(axis=(1, 2)) - 13.5).max() < 0.05


def test_a_rotation_and_a_shear_tilt_a_bar_by_at_most_their_limit() -> None:
    bars = np.zeros((8, 28, 28, 1), np.float32)
    bars[:, 4:24, 13:15] = 1
    for rotation, shear in ((20, 0), (0, 20)):
        tilted = np.asarray(random_affine(bars, [1, 2], rotation=rotation, scale=0, shear=shear, shift=0))[..., 0]
        centers = (tilted * COLUMNS).sum(axis=2) / np.maximum(tilted.sum(axis=2), 1e-6)
        assert 1 < np.abs(centers[:, 6] - centers[:, 21]).max() <= 15 * np.tan(np.radians(21))


def test_the_center_of_images_that_are_no_squares_stays() -> None:
    spot = np.zeros((16, 20, 14, 1), np.float32)
    spot[:, 9:11, 6:8] = 1
    turned = np.asarray(random_affine(spot, [1, 2], rotation=45, scale=0.2, shear=10, shift=0))[..., 0]
    for axis, center in ((1, 9.5), (2, 6.5)):
        places = np.arange(turned.shape[axis])
        found = (turned.sum(axis=3 - axis) * places).sum(axis=1) / turned.sum(axis=(1, 2))
        assert np.abs(found - center).max() < 0.1


def test_width_and_height_change_by_at_most_their_limit_and_the_border_goes_on() -> None:
    squares = np.zeros((64, 28, 28, 1), np.float32)
    squares[:, 8:20, 8:20] = 1
    scaled = np.asarray(random_affine(squares, [1, 2], rotation=0, scale=0.2, shear=0, shift=0))[..., 0]
    for axis in (1, 2):
        sides = scaled.max(axis=axis).sum(axis=1)
        assert 9.8 < sides.min() < 10.8
        assert 13.5 < sides.max() < 15.2
    white = np.ones((8, 28, 28, 1), np.float32)
    for fill_mode, least in (("constant", 0), ("nearest", 1)):
        moved = random_affine(white, [1, 2], rotation=0, scale=0, shear=0, shift=5, fill_mode=fill_mode)
        assert np.asarray(moved).min() == least

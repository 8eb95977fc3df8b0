import numpy as np

from mnist_trainer.augmentation.affine import random_affine


def test_a_shift_and_a_rotation_move_as_far_as_their_limits_say() -> None:
    spot = np.zeros((64, 28, 28, 1), np.float32)
    spot[:, 13:15, 13:15] = 1
    moved = np.asarray(random_affine(spot, [1, 2], rotation=0, scale=0, shear=0, shift=3))
    rows, columns = np.indices((28, 28))
    mass = moved[..., 0].sum(axis=(1, 2))
    for axis in (rows, columns):
        offsets = (moved[..., 0] * axis).sum(axis=(1, 2)) / mass - 13.5
        assert 2 < np.abs(offsets).max() <= 3.01
        assert abs(offsets.mean()) < 0.8
    turned = np.asarray(random_affine(spot, [1, 2], rotation=45, scale=0, shear=0, shift=0))
    assert np.abs((turned[..., 0] * rows).sum(axis=(1, 2)) / turned[..., 0].sum(axis=(1, 2)) - 13.5).max() < 0.05


def test_a_shear_slants_and_a_turn_turns() -> None:
    bar = np.zeros((1, 28, 28, 1), np.float32)
    bar[:, 4:24, 13:15] = 1
    for rotation, shear in ((20, 0), (0, 20)):
        slanted = [
            np.asarray(random_affine(bar, [seed, 0], rotation=rotation, scale=0, shear=shear, shift=0))[0, :, :, 0]
            for seed in range(8)
        ]
        columns = np.arange(28)
        lean = [(r[6] * columns).sum() / r[6].sum() - (r[21] * columns).sum() / r[21].sum() for r in slanted]
        assert 1 < max(np.abs(lean)) <= 15 * np.tan(np.radians(21))

import numpy as np
import pytest

from mnist_trainer import Splits
from mnist_trainer.augmentation.corruptions import CORRUPTIONS, corrupt

SEED = np.array([3, 4])


@pytest.mark.parametrize("name", CORRUPTIONS)
def test_every_kind_changes_every_digit_its_own_way(digits: Splits, name: str) -> None:
    import tensorflow as tf

    images = tf.constant(np.repeat(digits.train.images[:1, ..., None], 8, axis=0) / np.float32(255))
    spoilt = np.clip(CORRUPTIONS[name](images, SEED), 0, 1)
    assert spoilt.shape == images.shape
    assert np.isfinite(spoilt).all()
    assert (np.abs(spoilt - images).max(axis=(1, 2, 3)) > 0.02).all()
    assert len(np.unique(spoilt, axis=0)) == 8
    np.testing.assert_array_equal(spoilt, np.clip(CORRUPTIONS[name](images, SEED), 0, 1))


def test_the_first_of_a_batch_are_spared_and_each_kind_has_its_share(digits: Splits) -> None:
    count = 8 * len(CORRUPTIONS)
    images = digits.train.images[:count, ..., None] / np.float32(255)
    spoilt = np.asarray(corrupt(images, SEED, fraction=0.5))
    changed = (spoilt != images).any(axis=(1, 2, 3))
    assert not changed[: count // 2].any()
    assert changed[count // 2 :].mean() > 0.95
    assert spoilt.min() >= 0
    assert spoilt.max() <= 1


def test_too_small_a_share_for_all_kinds_spoils_none(digits: Splits) -> None:
    images = digits.train.images[:20, ..., None] / np.float32(255)
    np.testing.assert_array_equal(corrupt(images, SEED, fraction=0.5), images)

import numpy as np
import pytest
import tensorflow as tf

from mnist_trainer import Splits
from mnist_trainer.augmentation.corruptions import CORRUPTIONS, corrupt

SEED = np.array([3, 4])


@pytest.mark.parametrize("name", CORRUPTIONS)
def test_each_corruption_changes_each_image_differently_and_repeatably(digits: Splits, name: str) -> None:
    images = tf.constant(np.repeat(digits.train.images[:1, ..., None], 8, axis=0) / np.float32(255))
    corrupted = np.clip(CORRUPTIONS[name](images, SEED), 0, 1)
    assert corrupted.shape == images.shape
    assert np.isfinite(corrupted).all()
    assert (np.abs(corrupted - images).max(axis=(1, 2, 3)) > 0.02).all()
    assert len(np.unique(corrupted, axis=0)) == 8
    np.testing.assert_array_equal(corrupted, np.clip(CORRUPTIONS[name](images, SEED), 0, 1))


def test_only_the_last_images_of_a_batch_are_corrupted(digits: Splits) -> None:
    count = 8 * len(CORRUPTIONS)
    images = digits.train.images[:count, ..., None] / np.float32(255)
    corrupted = np.asarray(corrupt(images, SEED, fraction=0.5))
    changed = (corrupted != images).any(axis=(1, 2, 3))
    assert not changed[: count // 2].any()
    assert changed[count // 2 :].mean() > 0.95
    assert corrupted.min() >= 0
    assert corrupted.max() <= 1


def test_a_fraction_too_small_for_all_kinds_corrupts_nothing(digits: Splits) -> None:
    images = digits.train.images[:20, ..., None] / np.float32(255)
    np.testing.assert_array_equal(corrupt(images, SEED, fraction=0.5), images)

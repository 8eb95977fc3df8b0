import numpy as np
import pytest
import tensorflow as tf

from mnist_trainer import ARCHITECTURES, PRESETS, Splits
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


@pytest.mark.parametrize("owner", [*ARCHITECTURES.values(), *PRESETS.values()], ids=lambda owner: owner.summary)
def test_recipes_name_known_kinds(owner) -> None:
    corruptions = owner.recipe.corruptions
    assert corruptions is None or set(corruptions.kinds) <= set(CORRUPTIONS)


def test_only_the_named_kinds_are_used_in_their_order(digits: Splits) -> None:
    images = tf.constant(digits.train.images[:12, ..., None] / np.float32(255))
    corrupted = np.asarray(corrupt(images, SEED, fraction=1.0, kinds=("banded", "inverted", "banded")))
    np.testing.assert_array_equal(
        corrupted[4:8], np.clip(CORRUPTIONS["inverted"](images[4:8], tf.random.fold_in(SEED, 1)), 0, 1)
    )


def test_a_zigzag_only_adds_ink_and_a_band_keeps_a_part(digits: Splits) -> None:
    images = digits.train.images[:40, ..., None] / np.float32(255)
    assert (np.asarray(CORRUPTIONS["zigzag"](tf.constant(images), SEED)) >= images - 1e-6).all()
    banded = np.asarray(CORRUPTIONS["banded"](tf.constant(images), SEED))
    kept = (np.abs(banded - images) < 1e-6).mean(axis=(1, 2, 3))
    assert 0.3 < kept.mean() < 0.9
    assert kept.max() > 0.85

import numpy as np
import pytest

from mnist_trainer import Splits, load_model
from mnist_trainer.augmentation.non_digits import NON_DIGITS, insert_non_digits

SEED = np.array([3, 4])


@pytest.mark.parametrize("name", NON_DIGITS)
def test_every_kind_makes_pictures_that_differ(digits: Splits, name: str) -> None:
    import tensorflow as tf

    images = tf.constant(digits.train.images[:16, ..., None] / np.float32(255))
    made = np.clip(NON_DIGITS[name](images, SEED), 0, 1)
    assert made.shape == images.shape
    assert np.isfinite(made).all()
    assert len(np.unique(made, axis=0)) > 12
    np.testing.assert_array_equal(made, np.clip(NON_DIGITS[name](images, SEED), 0, 1))


def test_no_kind_is_a_set_of_digits(digits: Splits) -> None:
    """A model that was never told so is still less sure of most of them: were they digits, it would be sure."""
    import tensorflow as tf

    images = tf.constant(digits.train.images[:200, ..., None] / np.float32(255))
    model = load_model("cnn")
    sure = {name: model.predict(make(images, SEED), verbose=0).max(axis=1).mean() for name, make in NON_DIGITS.items()}
    of_digits = model.predict(images, verbose=0).max(axis=1).mean()
    assert max(sure.values()) < of_digits, sure


def test_the_first_of_a_batch_are_replaced_and_their_targets_flat(digits: Splits) -> None:
    count = 12 * len(NON_DIGITS)
    images = digits.train.images[:count, ..., None] / np.float32(255)
    targets = np.eye(10, dtype=np.float32)[digits.train.labels[:count]]
    mixed, aims = (np.asarray(part) for part in insert_non_digits(images, targets, SEED, fraction=0.25))
    made = count // 4
    np.testing.assert_array_equal(mixed[made:], images[made:])
    np.testing.assert_array_equal(aims[made:], targets[made:])
    np.testing.assert_allclose(aims[:made], 0.1)
    assert (mixed[:made] != images[:made]).any(axis=(1, 2, 3)).all()
    assert mixed.min() >= 0
    assert mixed.max() <= 1

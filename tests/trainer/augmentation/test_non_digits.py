import numpy as np
import pytest
import tensorflow as tf

from mnist_trainer import Splits, load_model
from mnist_trainer.augmentation.non_digits import NON_DIGITS, insert_non_digits

SEED = np.array([3, 4])


@pytest.mark.parametrize("name", NON_DIGITS)
def test_each_kind_makes_different_images_repeatably(digits: Splits, name: str) -> None:
    images = tf.constant(digits.train.images[:16, ..., None] / np.float32(255))
    made = np.clip(NON_DIGITS[name](images, SEED), 0, 1)
    assert made.shape == images.shape
    assert np.isfinite(made).all()
    assert len(np.unique(made, axis=0)) > 12
    np.testing.assert_array_equal(made, np.clip(NON_DIGITS[name](images, SEED), 0, 1))


@pytest.mark.long
def test_a_model_is_less_sure_of_each_kind_than_of_digits(digits: Splits) -> None:
    images = tf.constant(digits.train.images[:200, ..., None] / np.float32(255))
    model = load_model("cnn")
    made = {"digits": images} | {name: make(images, SEED) for name, make in NON_DIGITS.items()}
    confidence = {name: model.predict(some, verbose=0).max(axis=1).mean() for name, some in made.items()}
    assert max(confidence, key=confidence.__getitem__) == "digits", confidence


def test_only_the_first_images_of_a_batch_are_replaced_and_get_equal_targets(digits: Splits) -> None:
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


def test_a_number_has_two_digits_side_by_side() -> None:
    bars = np.zeros((16, 28, 28, 1), np.float32)
    bars[:, 4:24, 13:15] = 1
    made = np.asarray(NON_DIGITS["number"](tf.constant(bars), SEED))
    assert made[:, :, :13].max(axis=(1, 2, 3)).min() > 0.4
    assert made[:, :, 15:].max(axis=(1, 2, 3)).min() > 0.4

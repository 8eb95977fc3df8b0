from pathlib import Path

import numpy as np
import pytest

from mnist_trainer import Distillation, Splits, load_model
from mnist_trainer.training.techniques.teacher import load_teacher

ROWS = np.arange(20)


def test_targets_are_the_weighted_mean_of_label_and_softened_answer_where_the_teacher_is_right(digits: Splits) -> None:
    images = digits.train.images[:20, ..., None] / np.float32(255)
    labels = np.eye(10, dtype=np.float32)[digits.train.labels[:20]]
    targets = np.asarray(load_teacher(Distillation("mlp", 0.75, 2.0), digits.train)(images, labels, ROWS))
    answers = np.sqrt(load_model("mlp").predict(images, verbose=0))
    right = answers.argmax(axis=1) == labels.argmax(axis=1)
    assert 10 < right.sum() < 20
    expected = 0.75 * answers / answers.sum(axis=1, keepdims=True) + 0.25 * labels
    np.testing.assert_allclose(targets[right], expected[right], atol=1e-5)
    np.testing.assert_array_equal(targets[~right], labels[~right])


def targets_of(teacher: str, digits: Splits) -> np.ndarray:
    """Return the targets of a teacher for the first 20 training images."""
    images = digits.train.images[:20, ..., None] / np.float32(255)
    labels = np.eye(10, dtype=np.float32)[digits.train.labels[:20]]
    return np.asarray(load_teacher(Distillation(teacher, 0.75, 2.0), digits.test)(images, labels, ROWS))


@pytest.mark.slow
def test_a_teacher_that_wants_other_pixels_gives_the_same_targets(digits: Splits, tmp_path: Path) -> None:
    import keras

    ready = load_model("tiny")
    layers = [keras.Input((28, 28, 1)), keras.layers.Rescaling(-0.5, 0.5), *ready.layers]  # from -1..1, inverted
    keras.Sequential(layers).save(tmp_path / "inverted.keras")
    expected, found = (targets_of(str(name), digits) for name in ("tiny", tmp_path / "inverted.keras"))
    np.testing.assert_allclose(found, expected, atol=1e-4)


@pytest.mark.long
def test_a_teacher_that_gives_logits_gives_the_same_targets(digits: Splits, tmp_path: Path) -> None:
    import keras

    ready, head = load_model("mlp"), keras.layers.Dense(10)
    model = keras.Sequential([keras.Input(ready.input_shape[1:]), *ready.layers[:-1], head])
    head.set_weights(ready.layers[-1].get_weights())
    model.save(tmp_path / "logits.keras")
    expected, found = (targets_of(str(name), digits) for name in ("mlp", tmp_path / "logits.keras"))
    np.testing.assert_allclose(found, expected, atol=1e-4)


@pytest.mark.slow
def test_half_of_the_answer_is_the_mean_over_views_of_the_image(digits: Splits) -> None:
    """It belongs to the image in the data, whatever image the batch has."""
    rows = np.array([3, 7, 11])
    labels = np.eye(10, dtype=np.float32)[digits.train.labels[rows]]
    images = digits.train.images[rows, ..., None] / np.float32(255)
    plain, views = (load_teacher(Distillation("tiny", 0.75, 2.0, views=count), digits.train) for count in (0, 5))
    own, averaged = (np.asarray(teacher(images, labels, rows)) for teacher in (plain, views))
    np.testing.assert_allclose(averaged.sum(axis=1), 1, atol=1e-5)
    assert 1e-4 < np.abs(averaged - own).max() < 0.4
    blank = np.zeros_like(images)
    half = 2 * np.asarray(views(blank, labels, rows)) - np.asarray(plain(blank, labels, rows))
    np.testing.assert_allclose(half, 2 * averaged - own, atol=1e-5)
    again = load_teacher(Distillation("tiny", 0.75, 2.0, views=5), digits.train)
    np.testing.assert_array_equal(np.asarray(again(images, labels, rows)), averaged)
    other = load_teacher(Distillation("tiny", 0.75, 2.0, views=5), digits.train, seed=1)
    assert not np.array_equal(np.asarray(other(images, labels, rows)), averaged)

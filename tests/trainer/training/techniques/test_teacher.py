from pathlib import Path

import numpy as np

from mnist_trainer import Distillation, Splits, load_model
from mnist_trainer.training.techniques.teacher import load_teacher


def test_targets_are_the_weighted_mean_of_label_and_softened_answer_where_the_teacher_is_right(digits: Splits) -> None:
    images = digits.train.images[:20, ..., None] / np.float32(255)
    labels = np.eye(10, dtype=np.float32)[digits.train.labels[:20]]
    targets = np.asarray(load_teacher(Distillation("cnn", 0.75, 2.0), digits.train)(images, labels))
    answers = np.sqrt(load_model("cnn").predict(images, verbose=0))
    right = answers.argmax(axis=1) == labels.argmax(axis=1)
    assert 10 < right.sum() < 20
    expected = 0.75 * answers / answers.sum(axis=1, keepdims=True) + 0.25 * labels
    np.testing.assert_allclose(targets[right], expected[right], atol=1e-5)
    np.testing.assert_array_equal(targets[~right], labels[~right])


def test_a_teacher_that_wants_other_pixels_gives_the_same_targets(digits: Splits, tmp_path: Path) -> None:
    import keras

    ready = load_model("tiny")
    layers = [keras.Input((28, 28, 1)), keras.layers.Rescaling(-0.5, 0.5), *ready.layers]  # from -1..1, inverted
    keras.Sequential(layers).save(tmp_path / "inverted.keras")
    images = digits.train.images[:20, ..., None] / np.float32(255)
    labels = np.eye(10, dtype=np.float32)[digits.train.labels[:20]]
    expected, found = (
        np.asarray(load_teacher(Distillation(str(name), 0.75, 2.0), digits.test)(images, labels))
        for name in ("tiny", tmp_path / "inverted.keras")
    )
    np.testing.assert_allclose(found, expected, atol=1e-4)

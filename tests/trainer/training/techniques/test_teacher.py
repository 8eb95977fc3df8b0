import numpy as np

from mnist_trainer import Distillation, Splits, load_model
from mnist_trainer.training.techniques.teacher import load_teacher


def test_targets_are_the_weighted_mean_of_label_and_softened_answer_where_the_teacher_is_right(digits: Splits) -> None:
    images = digits.train.images[:20, ..., None] / np.float32(255)
    labels = np.eye(10, dtype=np.float32)[digits.train.labels[:20]]
    targets = np.asarray(load_teacher(Distillation("cnn", fraction=0.75, temperature=2.0))(images, labels))
    answers = np.sqrt(load_model("cnn").predict(images, verbose=0))
    right = answers.argmax(axis=1) == labels.argmax(axis=1)
    assert 10 < right.sum() < 20
    expected = 0.75 * answers / answers.sum(axis=1, keepdims=True) + 0.25 * labels
    np.testing.assert_allclose(targets[right], expected[right], atol=1e-5)
    np.testing.assert_array_equal(targets[~right], labels[~right])

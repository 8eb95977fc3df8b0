import hashlib
from dataclasses import replace

import numpy as np
import pytest

from mnist_trainer import Distillation, Splits, UsageError, architecture, load_model, train
from mnist_trainer.model_io.find import MODELS
from mnist_trainer.training.techniques.teacher import load_teacher


def test_targets_lie_between_the_label_and_the_softened_answer(digits: Splits) -> None:
    images = digits.train.images[:20, ..., None] / np.float32(255)
    labels = np.eye(10, dtype=np.float32)[digits.train.labels[:20]]
    targets = np.asarray(load_teacher(Distillation("cnn", fraction=0.75, temperature=2.0))(images, labels))
    answers = np.sqrt(load_model("cnn").predict(images, verbose=0))
    right = answers.argmax(axis=1) == labels.argmax(axis=1)
    assert right.sum() > 10
    expected = 0.75 * answers / answers.sum(axis=1, keepdims=True) + 0.25 * labels
    np.testing.assert_allclose(targets[right], expected[right], atol=1e-5)
    np.testing.assert_array_equal(targets[~right], labels[~right])


def test_a_student_is_trained_and_sharpened(digits: Splits) -> None:
    linear = architecture("linear")
    recipe = replace(
        linear.recipe,
        loss="categorical_crossentropy",
        epochs=4,
        cached_epochs=2,
        distillation=Distillation("cnn", 0.9, 4.0),
    )
    record = train(linear, digits, recipe=recipe).record
    assert record["history"]["loss"][-1] < record["history"]["loss"][0]
    assert record["logit_scale"] > 1
    assert record["teacher_sha256"] == hashlib.sha256((MODELS / "cnn.keras").read_bytes()).hexdigest()


@pytest.mark.parametrize("changes", [{"cached_epochs": None}, {"loss": "sparse_categorical_crossentropy"}])
def test_a_recipe_that_cannot_be_distilled_is_refused(changes: dict[str, object]) -> None:
    with pytest.raises(UsageError, match="distillation"):
        replace(
            architecture("tiny").recipe,
            **{"cached_epochs": 2, "distillation": Distillation("cnn", 0.9, 4.0), **changes},
        )

import dataclasses

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from mnist_runtime.artifact.task import Task
from mnist_trainer import Dataset, Evaluation, ModelError, Splits, evaluate, load_model

LABELS = hnp.arrays(np.uint8, st.integers(1, 40), elements=st.integers(0, 9))


def evaluation(labels: np.ndarray, answers: np.ndarray, confidence: float | np.ndarray = 1.0) -> Evaluation:
    """Return the evaluation of a model that gave `answers` with `confidence`."""
    scores = np.zeros((len(labels), 10), np.float32)
    scores[np.arange(len(labels)), answers] = confidence
    return Evaluation(Dataset("made", "test", "made up", np.zeros((len(labels), 28, 28), np.uint8), labels), scores)


def test_accuracy_follows_from_the_confusion_matrix(digits: Splits) -> None:
    found = evaluate(load_model("mlp"), digits.test)
    assert found.confusion.sum() == found.images == len(digits.test)
    assert np.trace(found.confusion) / found.images == pytest.approx(found.accuracy)
    assert np.array_equal(found.confusion.sum(axis=1), np.bincount(digits.test.labels))
    assert found.as_dict()["confusion"] == found.confusion.tolist()
    assert found.by_class["3"]["recall"] == found.confusion[3, 3] / found.confusion[3].sum()


@given(LABELS, st.data())
def test_every_figure_follows_from_the_answers(labels: np.ndarray, data: st.DataObject) -> None:
    answers = data.draw(hnp.arrays(np.intp, len(labels), elements=st.integers(0, 9)))
    found = evaluation(labels, answers)
    low, high = found.interval
    assert 0 <= low <= found.accuracy <= high <= 1
    assert len(found.mistakes) == round((1 - found.accuracy) * len(labels))
    # The confidence is always 1, so the calibration error is the fraction of mistakes.
    assert found.calibration_error == pytest.approx(1 - found.accuracy)


def test_the_interval_is_that_of_wilson() -> None:
    assert evaluation(np.repeat([0, 1], [90, 10]).astype(np.uint8), np.zeros(100, int)).interval == pytest.approx(
        (0.8256, 0.9448), abs=1e-4
    )


def test_calibration_is_measured_by_bin() -> None:
    """3 of 4 right at confidence 0.75 is calibrated; errors of two bins in opposite directions do not cancel."""
    labels = np.array([1, 1, 1, 2], np.uint8)
    assert evaluation(labels, np.ones(4, int), 0.75).calibration_error == pytest.approx(0)
    labels, answers = np.array([1, 1, 1, 2], np.uint8), np.ones(4, int)
    off = evaluation(labels, answers, np.array([0.5, 0.5, 1, 1]))
    assert off.calibration_error == pytest.approx(0.5)
    full = evaluation(np.array([1, 2], np.uint8), np.ones(2, int), np.array([0.95, 1]))
    assert full.calibration_error == pytest.approx(0.95 / 2), "full confidence is in the last bin"


def test_kinds_of_mistakes_are_counted_the_most_frequent_first() -> None:
    found = evaluation(np.array([7, 1, 1, 1, 2], np.uint8), np.array([1, 7, 1, 7, 2]))
    assert found.confused == [("1", "7", 2), ("7", "1", 1)]
    assert found.confusion.shape == (10, 10)


def test_classes_may_have_the_names_of_means() -> None:
    names = ("accuracy", "macro avg", "other")
    data = Dataset("made", "test", "made up", np.zeros((3, 28, 28), np.uint8), np.array([0, 1, 1], np.uint8))
    scores = np.eye(3, dtype=np.float32)[[0, 1, 0]]
    found = Evaluation(dataclasses.replace(data, task=Task(labels=names, preparation="plain")), scores)
    assert found.by_class["accuracy"] == pytest.approx({"precision": 0.5, "recall": 1, "f1-score": 2 / 3, "support": 1})
    assert found.by_class["macro avg"]["support"] == 2
    assert found.by_class["other"]["precision"] == 0
    assert found.by_class["weighted avg"]["support"] == 3
    assert (found.as_dict()["labels"], "by_digit" in found.as_dict()) == ([*names], False)


def test_mistakes_are_sorted_by_confidence() -> None:
    found = evaluation(np.array([0, 1, 2, 3], np.uint8), np.array([1, 1, 1, 1]), np.array([0.4, 0.9, 0.8, 0.5]))
    assert found.mistakes.tolist() == [2, 3, 0]


@pytest.mark.slow
def test_a_model_for_pixels_0_to_255_is_evaluated_like_its_twin_for_0_to_1(digits: Splits) -> None:
    import keras

    model = load_model("cnn")
    twin = keras.Sequential([keras.Input((28, 28, 1)), keras.layers.Rescaling(1 / 255), model])
    found, expected = evaluate(twin, digits.test), evaluate(model, digits.test)
    assert np.array_equal(found.answers, expected.answers)
    assert np.allclose(found.scores, expected.scores, atol=1e-5)
    right = evaluate(twin, digits.test, pixel_range="0..255").accuracy
    assert right > evaluate(twin, digits.test, pixel_range="0..1").accuracy + 0.2


def test_a_model_of_other_shapes_is_rejected(digits: Splits) -> None:
    import keras

    model = keras.Sequential([keras.Input((32, 32, 3)), keras.layers.Flatten(), keras.layers.Dense(2)])
    with pytest.raises(ModelError, match=r"inputs \[\(32, 32, 3\)\] and outputs \[\(2,\)\]"):
        evaluate(model, digits.test)


def test_scores_that_are_not_finite_are_rejected(digits: Splits) -> None:
    model = load_model("linear")
    model.set_weights([weight * np.nan for weight in model.get_weights()])
    with pytest.raises(ModelError, match="not finite numbers"):
        evaluate(model, dataclasses.replace(digits.test))

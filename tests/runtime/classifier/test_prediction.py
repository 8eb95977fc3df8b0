"""`Prediction.of` and `scores_of_logits`."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from mnist_runtime import Prediction
from mnist_runtime.artifact.manifest import ACTIVATIONS
from mnist_runtime.artifact.task import Task
from mnist_runtime.prediction import FUNCTIONS, scores_of_logits

SCORES = hnp.arrays(np.float32, 10, elements=st.floats(0, 1, width=32))


@given(SCORES, st.floats(0, 1))
def test_the_digit_is_the_best_score_at_or_above_the_threshold(scores: np.ndarray, threshold: float) -> None:
    found = Prediction.of(scores, threshold)
    assert found.confidence == scores.max()
    best = float(scores.max())  # NumPy 2 would compare a float32 with the threshold rounded to one
    assert found.digit == (int(scores.argmax()) if best >= threshold else None)
    assert found.label == (None if found.digit is None else str(found.digit))
    assert [score for _, score in found.ranking] == sorted(scores.tolist(), reverse=True)
    assert found.labels == tuple(str(digit) for digit, _ in found.ranking)
    assert dict(found.ranking) == dict(enumerate(scores.tolist()))


METER = Task(32, 20, 3, ("0", "1", "N"))


def test_labels_name_the_ranking_in_its_order() -> None:
    found = Prediction.of(np.array([0.2, 0.1, 0.7]), 0.5, METER)
    assert (found.label, found.digit, found.confidence, found.reason) == ("N", None, 0.7, None)
    assert [index for index, _ in found.ranking] == [2, 0, 1]
    assert found.labels == ("N", "0", "1")
    unsure = Prediction.of(np.array([0.2, 0.1, 0.7]), 0.8, METER)
    assert (unsure.label, unsure.reason, unsure.labels) == (None, "unsure", found.labels)


def test_equal_scores_are_in_the_order_of_the_labels() -> None:
    task = Task(labels=tuple(map(str, range(1000))))
    found = Prediction.of(np.repeat([0.5, 0.25], 500), 0, task)
    assert [index for index, _ in found.ranking] == list(range(1000))


def test_the_digit_is_that_of_the_label_and_not_the_index_of_the_class() -> None:
    found = Prediction.of(np.array([0.1, 0.9]), 0.5, Task(labels=("7", "3")))
    assert (found.label, found.digit, found.ranking[0]) == ("3", 3, (1, 0.9))
    assert (found.without_label("scribble").label, found.without_label("scribble").digit) == (None, None)


def test_a_prediction_made_for_digits_alone_has_their_labels() -> None:
    found = Prediction(7, 0.9, ((7, 0.9), (1, 0.1)))
    assert (found.label, found.labels) == ("7", ("7", "1"))
    assert (Prediction(None).label, Prediction(None).labels) == (None, ())


LOGITS = hnp.arrays(np.float32, (3, 10), elements=st.floats(width=32, allow_nan=False, allow_infinity=False))


def test_a_manifest_names_the_activations_that_the_runtime_has() -> None:
    assert set(FUNCTIONS) == set(ACTIVATIONS)


@pytest.mark.parametrize("activation", ACTIVATIONS)
@given(logits=LOGITS)
def test_scores_of_any_logits_are_from_0_to_1_and_in_their_order(logits: np.ndarray, activation: str) -> None:
    scores = scores_of_logits(logits, activation)
    assert (scores.dtype, scores.shape) == (np.float32, (3, 10))
    assert scores.min() >= 0
    assert scores.max() <= 1
    for row, score in zip(logits, scores, strict=True):
        assert (np.diff(score[np.argsort(row)]) >= 0).all()


def test_scores_are_those_of_the_activation() -> None:
    logits = np.array([[-2.0, 0.0, 3.0]])
    assert np.allclose(scores_of_logits(logits, "sigmoid"), 1 / (1 + np.exp(-logits)))
    assert np.allclose(scores_of_logits(logits, "softmax"), np.exp(logits) / np.exp(logits).sum())

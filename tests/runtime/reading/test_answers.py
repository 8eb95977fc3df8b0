"""Answers as text."""

import pytest

from mnist_runtime.artifact.task import DIGITS, Task
from mnist_runtime.prediction import Prediction
from mnist_runtime.reading.answers import in_words

PETS = Task(64, 48, 1, ("cat", "dog"))
RANKING = ((7, 0.4), (1, 0.3))
LABELS = ("7", "1")


@pytest.mark.parametrize(
    ("found", "words"),
    [
        (Prediction(7, 0.4, RANKING, label="7", labels=LABELS), "7 (40.0%), 1 (30.0%)"),
        (Prediction(None, 0.4, RANKING, reason="unsure", labels=LABELS), "no digit; most likely: 7 (40.0%), 1 (30.0%)"),
        (
            Prediction(None, reason="several", marks=3),
            "no digit; the picture shows several digits (3 marks). Use: mnist-runtime read 'my page.png'",
        ),
        (
            Prediction(None, 0.4, RANKING, reason="size", labels=LABELS),
            "no digit; far smaller or larger than most symbols. Crop the picture to it",
        ),
        (
            Prediction(None, reason="blank"),
            "no digit; the picture shows no clear strokes. Take it with more contrast, in even light",
        ),
    ],
    ids=lambda value: getattr(value, "reason", ""),
)
def test_an_answer_and_the_reason_for_none_are_put_in_words(found: Prediction, words: str) -> None:
    assert in_words(found, 2, DIGITS, "my page.png") == words


def test_other_labels_than_digits_are_symbols() -> None:
    words = in_words(Prediction(None, reason="several", marks=2), 1, PETS, "pets.png")
    assert words.startswith("no answer; the picture shows several symbols (2 marks). ")

"""The scores of a file for all test images, and for some in other batches and orders."""

from collections.abc import Callable

import numpy as np
import pytest

from mnist_exporters import Reference
from mnist_exporters.inputs.extremes import EXTREMES, extreme_images
from mnist_exporters.proof.answers import Answers
from mnist_runtime.errors import NotFiniteError

RNG = np.random.default_rng(0)
IMAGES = RNG.integers(0, 256, (300, 28, 28), np.uint8)
WEIGHTS = RNG.normal(size=(784, 10)) / 1e4


def scores_of(images: np.ndarray) -> np.ndarray:
    """Return scores that depend on nothing but the image."""
    powers = np.exp(images.reshape(-1, 784) @ WEIGHTS)
    return (powers / powers.sum(axis=1, keepdims=True)).astype(np.float32)


REFERENCE = Reference("noise", IMAGES, np.zeros(300, np.uint8), scores_of(IMAGES))
CHOSEN = REFERENCE.scores[REFERENCE.alone]


class File:
    """A file whose scores are those of a function of the images and of the number of calls before."""

    def __init__(self, scores: Callable[[np.ndarray, int], np.ndarray]) -> None:
        self.scores, self.calls = scores, 0

    def predict_proba(self, images: np.ndarray) -> np.ndarray:
        self.calls += 1
        return self.scores(images, self.calls)


def differing(answers: Answers) -> set[str]:
    """Return in which ways the chosen images get other scores than in the batch of all."""
    ways = {name: getattr(answers, name) for name in ("alone", "permuted", "before", "after")}
    assert all(scores.shape == CHOSEN.shape for scores in ways.values())
    return {name for name, scores in ways.items() if np.abs(scores - CHOSEN).max() > 1e-4}


def test_a_file_that_depends_on_the_image_alone_gives_the_same_scores_in_each_way() -> None:
    answers = Answers.of(File(lambda images, _: scores_of(images)), REFERENCE)
    np.testing.assert_array_equal(answers.scores, REFERENCE.scores)
    assert differing(answers) == set()
    assert answers.extremes is not None
    np.testing.assert_allclose(answers.extremes, scores_of(extreme_images(IMAGES)), atol=1e-6)
    assert len(answers.extremes) == len(EXTREMES)


def test_a_file_that_depends_on_the_size_of_the_batch_answers_single_images_differently() -> None:
    file = File(lambda images, _: scores_of(images) + np.float32(0.01) * (len(images) == 1))
    assert differing(Answers.of(file, REFERENCE)) == {"alone"}


def test_a_file_that_depends_on_the_place_in_the_batch_answers_differently_in_another_order() -> None:
    file = File(lambda images, _: scores_of(np.maximum(images, images[[0, *range(len(images) - 1)]])))
    assert "permuted" in differing(Answers.of(file, REFERENCE))


def test_a_file_that_keeps_a_state_answers_differently_a_second_time() -> None:
    answers = Answers.of(File(lambda images, calls: scores_of(images) + np.float32(calls / 1000)), REFERENCE)
    assert answers.before is not None
    assert answers.after is not None
    assert (answers.after > answers.before).all()


@pytest.mark.parametrize("failing", ["all", "blank"])
def test_where_a_file_gives_no_numbers_the_scores_are_nan(failing: str) -> None:
    def scores(images: np.ndarray, _: int) -> np.ndarray:
        if failing == "all" or not images.any():
            raise NotFiniteError("no numbers")
        return scores_of(images)

    answers = Answers.of(File(scores), REFERENCE)
    assert answers.extremes is not None
    is_blank = np.array(EXTREMES) == "blank"
    np.testing.assert_array_equal(np.isnan(answers.extremes).all(axis=1), is_blank | (failing == "all"))
    assert bool(np.isnan(answers.scores).all()) is (failing == "all")
    assert bool(np.isnan(answers.alone).all()) is (failing == "all")

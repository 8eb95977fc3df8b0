import numpy as np
import pytest

from mnist_exporters import Calibration
from mnist_exporters.inputs.golden import golden_digits, golden_from_data, golden_patterns
from mnist_runtime.artifact.task import Task
from mnist_trainer import Splits


def test_golden_digits_are_ten_test_images_of_the_digits(digits: Splits) -> None:
    images = golden_digits()
    drawn = Calibration.draw(digits.test, 10, seed=0).images
    assert images.dtype == drawn.dtype
    assert np.array_equal(images, drawn)


def test_patterns_are_the_same_each_time_and_get_many_sure_answers() -> None:
    task = Task(16, 24, 3, tuple("ABCDEFGHIJKLMNOPQRST"))
    weights = np.random.default_rng(3).normal(0, 0.02, (task.pixels, 20))

    def scores(images: np.ndarray) -> np.ndarray:
        logits = (images.reshape(len(images), -1) / 255 - 0.5) @ weights * 3
        powers = np.exp(logits - logits.max(axis=1, keepdims=True))
        return (powers / powers.sum(axis=1, keepdims=True)).astype(np.float32)

    found = golden_patterns(task, scores)
    assert np.array_equal(found, golden_patterns(task, scores))
    assert found.shape == (16, 16, 24, 3)
    assert len(set(scores(found).argmax(axis=1).tolist())) == 16
    top = np.sort(scores(found), axis=1)
    assert (top[:, -1] - top[:, -2]).min() >= 0.1


@pytest.mark.parametrize("score", [0.5, np.nan, np.inf])
def test_patterns_are_drawn_for_a_model_that_answers_nothing(score: float) -> None:
    task = Task(8, 128, 1, ("on", "off"))
    found = golden_patterns(task, lambda images: np.full((len(images), 2), score, np.float32))
    assert found.shape == (10, 8, 128)
    assert len(np.unique(found, axis=0)) == 10


def test_digits_have_golden_digits_and_data_gives_one_image_of_each_class(digits: Splits) -> None:
    chosen = golden_from_data(digits.test)
    assert chosen.shape == (10, 28, 28)
    shown = {image.tobytes(): label for image, label in zip(digits.test.images, digits.test.labels, strict=True)}
    assert sorted(shown[image.tobytes()] for image in chosen) == [*range(10)]

import numpy as np
import pytest

from mnist_exporters import Calibration
from mnist_exporters.inputs.golden import golden_digits, golden_from_data, golden_images, golden_patterns
from mnist_exporters.inputs.labelled_images import ImageSet
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


def test_no_pattern_is_stored_twice(monkeypatch: pytest.MonkeyPatch) -> None:
    """Of ten patterns, eight were the same: plain white, of which the model was surest."""
    monkeypatch.setattr("mnist_exporters.inputs.golden.DRAWN", 100)

    def brightness(images: np.ndarray) -> np.ndarray:
        bright = images.mean((1, 2)) / 255
        return np.stack([bright, 1 - bright], axis=1).astype(np.float32)

    found = golden_patterns(Task(32, 20, 1, ("bright", "dark")), brightness)
    assert len(np.unique(found, axis=0)) == len(found) == 10


def test_digits_have_golden_digits_and_data_gives_one_image_of_each_class(digits: Splits) -> None:
    chosen = golden_from_data(digits.test)
    assert chosen.shape == (10, 28, 28)
    shown = {image.tobytes(): label for image, label in zip(digits.test.images, digits.test.labels, strict=True)}
    assert sorted(shown[image.tobytes()] for image in chosen) == [*range(10)]


def test_data_of_many_classes_gives_sixteen_images_and_of_few_ten(digits: Splits) -> None:
    part = digits.test.images[:120]
    for classes, count in ((40, 16), (12, 12), (3, 10)):
        labels = np.arange(120, dtype=np.uint8) % classes
        data = ImageSet("other", part, labels, Task(28, 28, 1, tuple(f"c{number}" for number in range(classes))))
        chosen = golden_from_data(data)
        label_of = {image.tobytes(): label for image, label in zip(part, labels.tolist(), strict=True)}
        found = [label_of[image.tobytes()] for image in chosen]
        assert len(found) == count
        assert len(set(found)) == min(count, classes), "as many classes as possible"
    many = ImageSet("other", part, np.arange(120, dtype=np.uint8), Task(28, 28, 1, tuple(map(str, range(120)))))
    places = {image.tobytes(): place for place, image in enumerate(part)}
    assert max(places[image.tobytes()] for image in golden_from_data(many)) > 40, "not the first classes alone"


def test_ten_other_classes_get_no_pictures_of_digits(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("mnist_exporters.inputs.golden.DRAWN", 30)
    monkeypatch.setattr("mnist_exporters.inputs.golden.CHANGED", 2)

    class Other:
        task = Task(28, 28, 1, tuple("ABCDEFGHIJ"))

        def scores(self, images: np.ndarray) -> np.ndarray:
            return np.full((len(images), 10), 0.1, np.float32)

    found = golden_images(Other())
    assert found.shape == (10, 28, 28)
    assert not {image.tobytes() for image in found} & {image.tobytes() for image in golden_digits()}

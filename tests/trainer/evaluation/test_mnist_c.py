import numpy as np
import pytest

from mnist_trainer import Splits
from mnist_trainer.evaluation.mnist_c import CORRUPTIONS


@pytest.mark.parametrize("name", CORRUPTIONS)
def test_each_kind_changes_every_digit_in_the_same_way_each_time(digits: Splits, name: str) -> None:
    images = digits.test.images[:60]
    before = images.copy()
    corrupted = CORRUPTIONS[name](images, seed=1)
    assert (corrupted.shape, corrupted.dtype) == (images.shape, np.uint8)
    assert np.array_equal(images, before)
    assert (corrupted != images).any(axis=(1, 2)).all()
    assert np.array_equal(CORRUPTIONS[name](images, seed=1), corrupted)


def test_random_kinds_depend_on_the_seed(digits: Splits) -> None:
    assert len(CORRUPTIONS) == 15
    still = [
        name
        for name, corruption in CORRUPTIONS.items()
        if np.array_equal(corruption(digits.test.images[:9], 0), corruption(digits.test.images[:9], 1))
    ]
    assert still == ["scale", "brightness", "stripe", "canny edges"]


def test_amounts_and_places() -> None:
    black = np.zeros((50, 28, 28), np.uint8)
    impulses = CORRUPTIONS["impulse noise"](black, seed=0)
    assert np.mean(impulses == 255) == pytest.approx(0.17 / 2, abs=0.01)
    assert np.mean(CORRUPTIONS["spatter"](black, seed=0) == 255) == pytest.approx(0.12, abs=0.01)
    striped = CORRUPTIONS["stripe"](black, seed=0)
    assert np.flatnonzero(striped[0, 5]).tolist() == list(range(10, 18))
    dot = black.copy()
    dot[:, 14, 14] = 255
    places = {tuple(np.argwhere(image)[0]) for image in CORRUPTIONS["translate"](dot, seed=0)}
    assert places == {(11, 11), (11, 17), (17, 11), (17, 17)}

"""What `Batches` does with the copies that a recipe asks for."""

from dataclasses import replace

import numpy as np
import pytest

from mnist_trainer import NonDigits, Splits, architecture
from mnist_trainer.augmentation.non_digits import NON_DIGITS
from mnist_trainer.training.batches import Batches

RECIPE = replace(architecture("tiny").recipe, batch_size=64, cached_epochs=2, non_digits=NonDigits(fraction=0.25))


def pictures(batches: Batches, epoch: int) -> tuple[np.ndarray, np.ndarray]:
    images, targets = zip(*batches.epoch(epoch), strict=True)
    return np.concatenate(images).reshape(-1, 784), np.concatenate(targets)


def sort(images: np.ndarray) -> np.ndarray:
    return images[np.lexsort(images.T)]


def test_an_epoch_shows_again_what_an_earlier_one_did_in_another_order(digits: Splits) -> None:
    batches = Batches(digits.train, RECIPE, (28, 28, 1), seed=0)
    (first, aims), (second, _), (again, _) = (pictures(batches, epoch) for epoch in range(3))
    assert not np.array_equal(first, again)
    np.testing.assert_array_equal(sort(first), sort(again))
    assert not np.array_equal(sort(first), sort(second))
    np.testing.assert_allclose(first * 255, np.round(first * 255), atol=1e-4)
    assert (aims.max(axis=1) < 0.2).mean() == pytest.approx(len(NON_DIGITS) / 64)


def test_an_epoch_does_not_depend_on_those_before(digits: Splits) -> None:
    batches = Batches(digits.train, RECIPE, (28, 28, 1), seed=0)
    for epoch in range(3):
        pictures(batches, epoch)
    fresh = pictures(Batches(digits.train, RECIPE, (28, 28, 1), seed=0), 3)
    for here, there in zip(pictures(batches, 3), fresh, strict=True):
        np.testing.assert_array_equal(here, there)

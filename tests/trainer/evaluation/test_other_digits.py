"""Digits unlike those of a test set have the right labels, and need no further package."""

import sys

import numpy as np
import pytest

from mnist_trainer import Splits
from mnist_trainer.evaluation.other_digits import corrupted_digits, other_digits, sklearn_digits


def test_scikit_learns_digits_have_their_labels_and_are_no_others_for_themselves(digits: Splits) -> None:
    few = digits.test.take(np.arange(40), "test")
    label_of = {image.tobytes(): label for image, label in zip(*sklearn_digits(), strict=True)}
    images, labels = other_digits("mine", few.images, few.labels, 50)["scikit-learn's"]
    assert [label_of[image.tobytes()] for image in images] == labels.tolist()
    assert list(other_digits("digits", few.images, few.labels, 50)) == ["pen", "corrupted"]


def test_corrupted_digits_keep_their_labels_and_need_no_further_package(
    digits: Splits, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "skimage", None)
    images = digits.test.images[:100]
    numbers = np.arange(100, dtype=np.uint8)
    found, labels = corrupted_digits(images, numbers, 60)
    assert len(found) == len(set(labels.tolist())) == 60

    def centered(pixels: np.ndarray) -> np.ndarray:
        flat = pixels.reshape(len(pixels), -1).astype(float)
        flat -= flat.mean(axis=1, keepdims=True)
        return flat / np.linalg.norm(flat, axis=1, keepdims=True).clip(1e-9)

    nearest = (centered(found) @ centered(images).T).argmax(axis=1)
    assert (nearest == labels).mean() > 0.4, "many are still most like the digit that they were; by chance 1 %"

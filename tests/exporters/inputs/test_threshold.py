import dataclasses

import numpy as np
import pytest

from mnist_exporters import Original, confidence_threshold
from mnist_trainer import Splits


@pytest.mark.parametrize("name", ["linear", "cnn"])
def test_one_digit_in_two_hundred_is_below_the_threshold(
    originals: dict[str, Original], digits: Splits, name: str
) -> None:
    original, training = originals[name], digits.train
    threshold = confidence_threshold(original, training, seed=0)
    assert 0 < threshold < 1
    rejected = original.scores(training.images).max(axis=1) < threshold
    assert np.mean(rejected) == pytest.approx(0.005, abs=1 / len(training.images))


def test_threshold_depends_on_the_seed_only(originals: dict[str, Original], digits: Splits) -> None:
    many = dataclasses.replace(
        digits.test, images=np.tile(digits.test.images, (2, 1, 1)), labels=np.tile(digits.test.labels, 2)
    )
    assert len(many) > 2000
    drawn = [confidence_threshold(originals["mlp"], many, seed) for seed in (0, 0, 1, 2, 3)]
    assert drawn[0] == drawn[1]
    assert len(set(drawn)) > 1

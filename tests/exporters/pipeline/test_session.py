"""What a session says about an original that reads the test images badly."""

import copy
import dataclasses
from collections.abc import Callable

import keras
import numpy as np
import pytest

from mnist_exporters import ExportSession, Reference, RefusedError, UsageError
from mnist_exporters.inputs.labelled_images import ImageSet
from mnist_exporters.inputs.original import Original
from mnist_exporters.inputs.scaled_by_pixel import ScaledByPixel
from mnist_runtime.artifact.task import Task
from mnist_trainer import Splits, load_model


@pytest.mark.long
def test_a_model_below_the_expected_accuracy_gets_the_reason_that_was_measured(digits: Splits) -> None:
    tiny = load_model("tiny")
    images = keras.Input(tiny.input_shape[1:])
    model = keras.Model(images, tiny(keras.ops.flip(images, 2)))
    session = ExportSession(Original.from_keras(model, digits.test, pixel_range="0..1"), *digits)
    with pytest.raises(
        RefusedError, match=r"but 90.00% is expected. .* seem to be mirrored, left and right"
    ) as refused:
        session.check_accuracy(0.9)
    assert "may not be that of its training" not in str(refused.value)
    assert session.advice is None, "the refusal says it"


def test_the_accuracy_that_is_measured_may_be_expected(sessions: Callable[[str], ExportSession]) -> None:
    """Also if most images repeat others, which count once in its confidence interval."""
    session = copy.copy(sessions("mlp"))
    images = np.random.default_rng(0).integers(0, 256, (11, 28, 28), np.uint8)[np.r_[:10, [10] * 190]]
    labels, answers = np.zeros(200, np.uint8), np.where(np.arange(200) < 10, 1, 0)
    session.reference = Reference("repeated", images, labels, np.eye(10, dtype=np.float32)[answers])
    assert session.reference.interval[1] < 0.5
    session.check_accuracy(0.95)
    with pytest.raises(RefusedError, match=r"95\.00% of the .* but 96\.00% is expected"):
        session.check_accuracy(0.96)
    by_pixel = ScaledByPixel(0.99, 0.95, 200, (28, 28), "0..1", "--pixel-range 0..1")
    session.reference = dataclasses.replace(session.reference, by_pixel=by_pixel)
    with pytest.raises(
        RefusedError, match=r"but 98\.00% is expected\. Each pixel seems to have been scaled by its own"
    ):
        session.check_accuracy(0.98)
    for wrong in (0, 1.01, np.nan, "0.9"):
        with pytest.raises(UsageError, match="must be above 0 and at most 1"):
            session.check_accuracy(wrong)
    session.reference = Reference("right", images, labels, np.eye(10, dtype=np.float32)[labels])
    session.check_accuracy(1)


def test_two_images_of_each_class_calibrate() -> None:
    images = np.random.default_rng(0).integers(0, 256, (1300, 8, 8), np.uint8)
    labels, task = (np.arange(1300) % 300).astype(np.uint16), Task(8, 8, 1, tuple(map(str, range(300))), "plain")
    train, test = (ImageSet("many", images[part], labels[part], task) for part in (slice(1000), slice(1000, None)))
    for given, expected in ((None, 600), (40, 40)):
        session = ExportSession(None, train, test, calibration_samples=given)
        assert len(session.calibration.images) == expected

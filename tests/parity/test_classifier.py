"""`Classifier` with files of every format and precision."""

from collections.abc import Callable

import numpy as np
import pytest
from tests.shared.export_cases import DEVICE_FILE

from mnist_exporters import ExportReport, Precision
from mnist_runtime import Classifier
from mnist_trainer import Splits


@pytest.mark.long
@pytest.mark.parametrize(("model", "format", "precision"), DEVICE_FILE)
def test_batch_and_single_images_give_the_same_answers(
    exported: Callable[..., ExportReport], digits: Splits, model: str, format: str, precision: Precision
) -> None:
    classifier = Classifier.load(exported(model, format, precision).path)
    images = digits.test.images[:300]
    together = classifier.scores(images)
    single = np.concatenate([classifier.scores(image[None]) for image in images])
    if together.dtype.kind in "iu":
        assert np.array_equal(together, single)
    assert np.array_equal(together.argmax(1), single.argmax(1))
    assert np.array_equal(classifier.predict(images), classifier.predict_proba(images).argmax(axis=1))


@pytest.mark.parametrize("backend", ["litert", "onnxruntime"])
def test_ready_model_classifies_real_digits(digits: Splits, backend: str) -> None:
    classifier = Classifier.load(backend=backend)
    assert classifier.manifest.precision == "int8"
    assert classifier.manifest.parity["dataset"] == "mnist"
    assert classifier.manifest.parity["passed"] is True
    accuracy = np.mean(classifier.predict(digits.test.images) == digits.test.labels)
    assert accuracy > 0.93


@pytest.mark.parametrize(("model", "format", "precision"), DEVICE_FILE)
def test_returned_arrays_are_copies(
    exported: Callable[..., ExportReport], digits: Splits, model: str, format: str, precision: Precision
) -> None:
    classifier = Classifier.load(exported(model, format, precision).path)
    for method in (classifier.scores, classifier.predict_proba):
        first = method(digits.test.images[:1])
        before = first.copy()
        second = method(digits.test.images[1:2])
        assert np.array_equal(first, before)
        assert not np.array_equal(second, before)
        first[:] = second[:] = 0
        assert np.array_equal(method(digits.test.images[:1]), before)

"""Every choice of types at the ends of an integer file gives the answers of the default one."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from mnist_exporters import FORMATS, Calibration, ExportReport, ExportSpec, Original, Precision, Reference, export
from mnist_runtime import Classifier, self_test
from mnist_trainer import Splits

CHOICES = [
    (name, precision, takes, gives)
    for name, row in FORMATS.items()
    for precision, interface in row.interfaces.items()
    for takes in interface.inputs
    for gives in interface.outputs
    if (takes, gives) != (interface.inputs[0], interface.outputs[0])
]


@pytest.mark.parametrize(("format", "precision", "takes", "gives"), CHOICES)
def test_the_answers_are_those_of_the_default(
    exported: Callable[..., ExportReport],
    originals: dict[str, Original],
    digits: Splits,
    golden_images: np.ndarray,
    tmp_path: Path,
    format: str,
    precision: Precision,
    takes: str,
    gives: str,
) -> None:
    path = tmp_path / f"mlp{FORMATS[format].suffix}"
    report = export(
        originals["mlp"],
        ExportSpec(format, precision, input_dtype=takes, output_dtype=gives),
        path,
        reference=Reference.of(originals["mlp"], digits.test),
        calibration=Calibration.draw(digits.train, len(digits.train), seed=0),
        golden_images=golden_images,
    )
    assert (report.input_dtype, report.output_dtype) == (takes, gives)
    default = exported("mlp", format, precision)
    # The same integers inside; between float and integer ends an image may fall on the edge of a step.
    assert np.mean(report.scores.argmax(axis=1) == default.scores.argmax(axis=1)) >= 0.998
    assert np.abs(report.scores - default.scores).max() <= 0.05
    assert self_test(path).passed
    if "numpy" in report.loads_on:
        answers = Classifier.load(path, backend="numpy").predict(digits.test.images)
        assert np.mean(answers == report.scores.argmax(axis=1)) >= 0.998
    classifier = Classifier.load(path)
    assert classifier.manifest.input["dtype"] == takes
    assert classifier.scores(digits.test.images[:2]).dtype == gives


def test_there_are_choices() -> None:
    assert len(CHOICES) >= 10

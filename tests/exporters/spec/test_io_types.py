"""Every choice of input and output type gives the answers of the default types."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from mnist_exporters import FORMATS, Calibration, ExportReport, ExportSpec, Original, Precision, Reference, export
from mnist_runtime import Classifier, self_test
from mnist_trainer import Splits

QUICK = {("int8", "float32")}
"""A choice in which both types differ; the others are slow."""

CHOICES = [
    pytest.param(
        name,
        precision,
        input_dtype,
        output_dtype,
        marks=() if (input_dtype, output_dtype) in QUICK else pytest.mark.slow,
    )
    for name, row in FORMATS.items()
    for precision, types in row.io_types.items()
    for input_dtype in types.inputs
    for output_dtype in types.outputs
    if (input_dtype, output_dtype) != (types.inputs[0], types.outputs[0])
]


@pytest.mark.long
@pytest.mark.parametrize(("format", "precision", "input_dtype", "output_dtype"), CHOICES)
def test_answers_equal_those_of_the_default_types(
    exported: Callable[..., ExportReport],
    originals: dict[str, Original],
    digits: Splits,
    golden_images: np.ndarray,
    tmp_path: Path,
    format: str,
    precision: Precision,
    input_dtype: str,
    output_dtype: str,
) -> None:
    path = tmp_path / f"mlp{FORMATS[format].suffix}"
    report = export(
        originals["mlp"],
        ExportSpec(format, precision, input_dtype=input_dtype, output_dtype=output_dtype),
        path,
        reference=Reference.of(originals["mlp"], digits.test),
        calibration=Calibration.draw(digits.train, len(digits.train), seed=0),
        golden_images=golden_images,
    )
    assert (report.input_dtype, report.output_dtype) == (input_dtype, output_dtype)
    default = exported("mlp", format, precision)
    # The same integers inside; at a rounding edge the conversion of types may change an image.
    assert np.mean(report.scores.argmax(axis=1) == default.scores.argmax(axis=1)) >= 0.998
    assert np.abs(report.scores - default.scores).max() <= 0.05
    assert self_test(path).passed
    if "numpy" in report.loads_on:
        answers = Classifier.load(path, backend="numpy").predict(digits.test.images)
        assert np.mean(answers == report.scores.argmax(axis=1)) >= 0.998
    classifier = Classifier.load(path)
    assert classifier.manifest.input["dtype"] == input_dtype
    assert classifier.scores(digits.test.images[:2]).dtype == output_dtype


def test_there_are_at_least_ten_choices() -> None:
    assert len(CHOICES) >= 10

"""`stability`: does the draw of the calibration images matter? Two disjoint halves must give the same answers."""

from __future__ import annotations

import dataclasses
import math
import tempfile
from pathlib import Path

import numpy as np
import numpy.typing as npt

from mnist_exporters.formats.plugin import load_plugin
from mnist_exporters.inputs.calibration import Calibration
from mnist_exporters.inputs.original import Original
from mnist_exporters.pipeline.staging import StagedExport
from mnist_exporters.proof.parity import Parity, Reference
from mnist_exporters.proof.report import ExportReport
from mnist_exporters.spec.export_spec import ExportSpec
from mnist_exporters.spec.format import FORMATS
from mnist_exporters.spec.precision import Precision
from mnist_runtime import Golden, Manifest

__all__ = ["stability"]

IMAGES = 2500
"""Test images that are asked where half a point is to be proven; a quarter of MNIST's, in a quarter of the time."""
HALF_A_POINT = 0.005
LEAST_CALIBRATION = 20
"""Images that two halves need so that each digit can be in both."""


def stability(
    original: Original, report: ExportReport, reference: Reference, calibration: Calibration
) -> Parity | None:
    """Export twice, each time calibrated with one half of `calibration`, and compare the two, image by image.

    Parameters
    ----------
    original, reference
        As for `export`.
    report : ExportReport
        Of the export whose calibration is in question.
    calibration : Calibration
        Images that are dealt out into two halves, as many of each digit in both.

    Returns
    -------
    Parity or None
        In the place of the original stands the first half's export; ``passed`` means that the other is as good
        within the tolerance of the precision. None where nothing is calibrated, nothing was proven, or there are too
        few images for two halves with all digits.
    """
    spec = ExportSpec(
        report.format,
        Precision(report.precision),
        report.parity.tolerance,
        input_dtype=report.input_dtype,
        output_dtype=report.output_dtype,
    )
    if report.path is None or not spec.precision.is_calibrated or len(calibration.images) < LEAST_CALIBRATION:
        return None
    manifest = load_plugin(spec.format).open(report.path).manifest
    count = math.ceil(IMAGES * max(1.0, HALF_A_POINT / spec.tolerance))  # a tenth of that takes ten times as many
    asked = np.random.default_rng(0).permutation(len(reference.images))[:count]  # sets may be sorted by digit
    some = dataclasses.replace(
        reference, images=reference.images[asked], labels=reference.labels[asked], scores=reference.scores[asked]
    )
    first, second = (_scores(original, spec, half, manifest, some.images) for half in calibration.halves())
    return Parity.compare(dataclasses.replace(some, scores=first), second, spec.tolerance)


def _scores(
    original: Original,
    spec: ExportSpec,
    calibration: Calibration,
    manifest: Manifest,
    images: npt.NDArray[np.uint8],
) -> npt.NDArray[np.float32]:
    plugin, name = load_plugin(spec.format), f"half{FORMATS[spec.format].suffix}"
    model = plugin.convert(original, spec, calibration)
    with tempfile.TemporaryDirectory() as folder, StagedExport(Path(folder) / name, plugin) as drafts:
        drafts.write(model, manifest, Golden(images[:0], np.empty((0, 10), np.float32)))
        return drafts.load().predict_proba(images)

"""`stability`: measure how much an export depends on the choice of its calibration images."""

from __future__ import annotations

import dataclasses
import math
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from mnist_exporters.formats.plugin import load_plugin
from mnist_exporters.inputs.calibration import Calibration
from mnist_exporters.pipeline.staging import trial_scores
from mnist_exporters.proof.parity import Parity
from mnist_exporters.proof.reference import Reference
from mnist_exporters.proof.report import ExportReport
from mnist_exporters.spec.export_spec import ExportSpec
from mnist_exporters.spec.treatment import PLAIN, Treatment
from mnist_runtime import Manifest

if TYPE_CHECKING:
    from mnist_exporters.inputs.original_model import OriginalModel

__all__ = ["stability"]

IMAGES = 2500
"""Number of test images for a tolerance of half a point. This is a quarter of MNIST's, to save time."""
HALF_A_POINT = 0.005


def stability(
    original: OriginalModel, report: ExportReport, reference: Reference, calibration: Calibration
) -> Parity | None:
    """Export twice, calibrated with one half of `calibration` each, and compare the two exports image by image.

    Parameters
    ----------
    original, reference
        See `mnist_exporters.export`.
    report : ExportReport
        Report of the export whose format, precision and types are used.
    calibration : Calibration
        Images to split into halves with equal numbers of each class.

    Returns
    -------
    Parity or None
        The comparison. The export of the first half takes the role of the original; ``passed`` means that the second
        export is as accurate, within the tolerance. None if the precision is not calibrated, the export was refused, or
        there are too few images for two halves with all classes.
    """
    spec = ExportSpec(report.format, report.precision, report.parity.tolerance, report.input_dtype, report.output_dtype)
    if report.path is None or not spec.precision.is_calibrated or len(calibration.images) < 2 * calibration.classes:
        return None
    manifest = load_plugin(spec.format).open(report.path).manifest
    count = math.ceil(IMAGES * max(1.0, HALF_A_POINT / spec.tolerance))  # tolerance / 10 needs 10 times the images
    order = np.random.default_rng(0).permutation(len(reference.images))  # data sets may be sorted by class
    _, of_each = np.unique(reference.labels[order], return_index=True)  # the check needs each class
    chosen = order[np.union1d(np.arange(min(count, len(order))), of_each)]
    part = dataclasses.replace(
        reference,
        images=reference.images[chosen],
        labels=reference.labels[chosen],
        scores=reference.scores[chosen],
        in_training=0,  # the export itself was checked for this already
    )
    treatment = report.repair.treatment if report.repair else PLAIN
    first, second = (
        _scores(original, spec, half, treatment=treatment, manifest=manifest, images=part.images)
        for half in calibration.halves()
    )
    return Parity.compare(dataclasses.replace(part, scores=first), second, spec.tolerance)


def _scores(
    original: OriginalModel,
    spec: ExportSpec,
    calibration: Calibration,
    *,
    treatment: Treatment,
    manifest: Manifest,
    images: npt.NDArray[np.uint8],
) -> npt.NDArray[np.float32]:
    model = load_plugin(spec.format).convert(original, spec, calibration, treatment)
    return trial_scores(spec.format, model, manifest, images)

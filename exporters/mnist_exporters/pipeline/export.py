"""`export`: convert a model, prove its accuracy, and write the file only if the proof succeeds."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from mnist_exporters.inputs.calibration import Calibration
from mnist_exporters.pipeline.job import Job
from mnist_exporters.pipeline.repair import can_be_proven, repaired
from mnist_exporters.proof.reference import Reference
from mnist_exporters.proof.report import ExportReport, RefusedError
from mnist_exporters.spec.export_spec import ExportSpec
from mnist_exporters.targets.devices import Target

if TYPE_CHECKING:
    from mnist_exporters.inputs.original_model import OriginalModel

__all__ = ["export"]


def export(
    original: OriginalModel,
    spec: ExportSpec,
    destination: Path,
    *,
    reference: Reference,
    golden_images: npt.NDArray[np.uint8],
    calibration: Calibration | None = None,
    target: Target | None = None,
    repair: bool = True,
) -> ExportReport:
    """Export `original` to `destination`. The file is written only if its accuracy is proven, and never in part.

    `mnist_exporters.export_model` and `mnist_exporters.ExportSession` call this function with all its arguments.

    Parameters
    ----------
    original : OriginalModel
        The model.
    spec : ExportSpec
        Format, precision, types and accepted accuracy loss.
    destination : Path
        The file to write, in an existing folder. An existing file is replaced if the new one is proven.
    reference : Reference
        Test images and the original's scores for them, with which the export is compared.
    golden_images : ndarray of shape (k, h, w) or (k, h, w, 3), dtype uint8
        Images to store in the file. Everyone who has the file can see them.
    calibration : Calibration, optional
        Training images, needed for calibrated precisions only.
    target : Target, optional
        A device that must be able to load the file.
    repair : bool
        Whether to try `mnist_exporters.pipeline.repair.REPAIRS` if the file fails the accuracy check. Each repaired
        file must pass the same check. The report and the manifest describe the repair.

    Returns
    -------
    ExportReport
        Size, accuracy and timings of the file.

    Raises
    ------
    RefusedError
        If the accuracy loss is not proven to be within the tolerance, also with repairs. The error holds the report.
    CalibrationError
        If a calibration image is also a test image.
    OperatorError
        If the format has no operators for a layer. The message names the layer, and formats that work.
    ConversionError
        If the result is not as requested, or `target` cannot load it.
    MissingPackageError
        If a converter or interpreter is not installed.
    OutputError
        If the file cannot be written.
    """
    job = Job(original, destination, reference, golden_images, calibration, target)
    plain = job.attempt(spec)
    if plain.report.parity.passed:
        return plain.report
    if repair and can_be_proven(reference, spec.tolerance):
        return repaired(job, spec, plain)
    raise RefusedError(plain.report, destination)

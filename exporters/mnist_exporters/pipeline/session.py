"""`ExportSession`: make several exports of one model, with the same data, calibration images and scores."""

from __future__ import annotations

import dataclasses
from functools import cached_property
from numbers import Real
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from mnist_exporters.errors import UsageError
from mnist_exporters.inputs.calibration import Calibration
from mnist_exporters.inputs.golden import golden_from_data, golden_images
from mnist_exporters.inputs.labelled_images import LabelledImages, leave_out_shared
from mnist_exporters.inputs.original_model import OriginalModel
from mnist_exporters.pipeline.existing_files.sealing import SealableFile, seal_file, spec_of
from mnist_exporters.pipeline.existing_files.verify import ForeignFile, Verification, verify
from mnist_exporters.pipeline.export import export
from mnist_exporters.pipeline.job import Job
from mnist_exporters.pipeline.original_advice import advice_on
from mnist_exporters.pipeline.stability import stability
from mnist_exporters.pipeline.staging import check_destination, export_path, new_folders_removed
from mnist_exporters.proof.parity import Parity
from mnist_exporters.proof.reference import Reference
from mnist_exporters.proof.report import ExportReport, RefusedError
from mnist_exporters.proof.unfit import why_images_differ, wrong_averages
from mnist_exporters.spec.export_spec import ExportSpec
from mnist_exporters.spec.format import check_source
from mnist_exporters.targets.devices import Target
from mnist_runtime.errors import counted

__all__ = ["CALIBRATION_SAMPLES", "ExportSession"]

CALIBRATION_SAMPLES = 500
"""Default number of calibration images. docs/results/exports.md has the accuracy losses with this number."""


class ExportSession:
    """A model and its data, for several exports. Its scores are computed once, when they are first needed.

    `mnist_exporters.open_session` creates a session from the names of a model and a data set.

    Parameters
    ----------
    original : OriginalModel
        The model.
    train : LabelledImages
        Training split; calibration images are drawn from it, except those that are also test images.
    test : LabelledImages
        Held-out split; every export is compared with the original on all of it.
    calibration_samples : int, optional
        Number of calibration images. Default: 500, or twice the number of classes if that is more; all training images
        if there are fewer.
    seed : int
        Seed of the random draws.
    golden_from_data : bool
        Whether each file stores test images for its self-test. Default: digits that come with this package; for other
        classes, generated patterns.

    Attributes
    ----------
    calibration : Calibration
        The images that set the ranges of integer activations.

    Raises
    ------
    CalibrationError
        If `calibration_samples` is below 1, there are fewer training images, or more than one in twenty test images is
        among them.

    Examples
    --------
    >>> from tempfile import mkdtemp
    >>> from mnist_exporters import ExportSpec, open_session
    >>> session = open_session("linear", "digits")
    >>> report = session.export(ExportSpec("tflite", "int8"), mkdtemp())
    >>> report.path.name, session.verify(report.path).parity == report.parity
    ('linear-int8.tflite', True)
    """

    def __init__(
        self,
        original: OriginalModel,
        train: LabelledImages,
        test: LabelledImages,
        *,
        calibration_samples: int | None = None,
        seed: int = 0,
        golden_from_data: bool = False,
    ) -> None:
        self.original = original
        self._complete_train = train  # all images, also those that are removed from `self.train`
        self.train, left_out = leave_out_shared(train, test)
        self.test = test
        self.seed = seed
        self.golden_from_data = golden_from_data
        if calibration_samples is None:
            wanted = max(CALIBRATION_SAMPLES, 2 * len(self.train.task.labels))  # two of each class
            calibration_samples = min(wanted, len(self.train.images))
        self.calibration = Calibration.draw(self.train, calibration_samples, seed, left_out)

    @cached_property
    def reference(self) -> Reference:
        """The test images and the original's scores for them."""
        return Reference.of(self.original, self.test, self._complete_train)

    def check_accuracy(self, expected: float | None) -> None:
        """Check that the original is as accurate as the user says.

        With a wrong pixel scaling, a model often still works but is less accurate, and so is its export. Only the
        accuracy that the user measured can show this.

        Parameters
        ----------
        expected : float or None
            Accuracy that the user measured, 0..1. None: nothing is checked.

        Raises
        ------
        RefusedError
            If the accuracy measured here and the upper end of its 95 % confidence interval are below `expected`.
        UsageError
            If `expected` is not above 0 and at most 1.
        """
        if expected is None:
            return
        if not (isinstance(expected, Real) and 0 < expected <= 1):
            raise UsageError(
                f"The expected accuracy is {expected!r}, but must be above 0 and at most 1. For 98 % give 0.98."
            )
        low, high = self.reference.interval
        if max(high, self.reference.accuracy) < expected:  # in the interval, repeated images count once
            raise RefusedError(
                f"{self.original.name}: the original is right on {self.reference.accuracy:.2%} of the "
                f"{len(self.test.images):,} test images of {self.test.name} ({low:.2%} to {high:.2%} with 95 % "
                f"confidence), but {expected:.2%} is expected. "
                + (
                    str(self.reference.by_pixel or "")
                    or why_images_differ(self.reference)
                    or wrong_averages(self.reference)
                    or f"The pixel scaling {self.original.scaling} ({self.original.range_origin}) may not be that of "
                    "its training. State that with --pixel-range, or --pixel-mean and --pixel-std, and --invert. "
                    "If each pixel or image was scaled by its own numbers, add that scaling to the model as a layer."
                )
            )

    def describe_original(self) -> str:
        """Return a text with the original's accuracy in the first line, then the pixel scaling that it expects."""
        name, found = self.original.name, self.reference
        images = f"the {counted(len(found.images), 'test image')} of {found.dataset}"
        return f"{name}: the original is right on {found.accuracy:.2%} of {images}\n{name}: {self.original.describe()}"

    def original_as_dict(self) -> dict[str, Any]:
        """Return accuracy, task and pixel scaling of the original, as values for JSON."""
        return {
            "name": self.original.name,
            "dataset": self.reference.dataset,
            "images": len(self.reference.images),
            "accuracy": self.reference.accuracy,
            "accuracy_interval_95": self.reference.interval,
            "image_shape": self.original.task.image_shape,
            "labels": self.original.task.labels,
            "preparation": self.original.task.preparation,
            "pixels": self.original.pixels_as_dict(),
        }

    @cached_property
    def advice(self) -> str | None:
        """A note or warning if the pixels may be scaled differently than in training; else None."""
        return advice_on(self.original, self.reference, self.test)

    @cached_property
    def golden_images(self) -> npt.NDArray[np.uint8]:
        """The images that are stored in each file."""
        return golden_from_data(self.test) if self.golden_from_data else golden_images(self.original)

    def export(
        self, spec: ExportSpec, destination: str | Path, target: Target | None = None, *, repair: bool = True
    ) -> ExportReport:
        """Export to `destination`. The file is written only if its accuracy is proven; see `export` for the errors.

        Parameters
        ----------
        spec : ExportSpec
            Format, precision, types and accepted accuracy loss.
        destination : str or Path
            The file to write, or a folder for a file named after model and precision. Missing folders are created; an
            existing file is replaced.
        target : Target, optional
            A device that must be able to load the file.
        repair : bool
            Whether to repeat a refused export with repairs; see `export`.

        Raises
        ------
        UsageError
            If nothing can be written at `destination`, or no interpreter of `target` loads this format.
        """
        path = export_path(Path(destination), spec, self.original.name)
        with new_folders_removed(path):
            check_destination(path, spec)
            check_source(self.original.kind, spec.format)
            if target:
                target.check_spec(spec)
            return export(
                self.original,
                spec,
                path,
                reference=self.reference,
                calibration=self.calibration,
                golden_images=self.golden_images,
                target=target,
                repair=repair,
            )

    def verify(
        self, path: str | Path, max_accuracy_drop: float | None = None, foreign: ForeignFile | None = None
    ) -> Verification:
        """Compare an exported file with the original again; see `mnist_exporters.pipeline.existing_files.verify`."""
        found = verify(Path(path), self.reference, self.original.sha256, max_accuracy_drop, foreign)
        return dataclasses.replace(found, pixels=f"{self.original.scaling} ({self.original.range_origin})")

    def seal(
        self, file: SealableFile, destination: str | Path, format: str, max_accuracy_drop: float | None = None
    ) -> ExportReport:
        """Check the accuracy of a file from another tool, and write it as an artifact; see `seal_file` for the errors.

        Parameters
        ----------
        file : SealableFile
            The file.
        destination : str or Path
            The file to write, or a folder. In a folder, it is named after `file` and its precision.
        format : str
            Format of the file, a key of `FORMATS`.
        max_accuracy_drop : float, optional
            Largest accepted accuracy loss, a fraction above 0 and at most 0.1. Default: that of the precision.
        """
        spec = spec_of(format, file.content, max_accuracy_drop)
        path = export_path(Path(destination), spec, file.name)
        with new_folders_removed(path):
            check_destination(path, spec)
            job = Job(self.original, path, self.reference, self.golden_images, None, None)
            return seal_file(job, file, spec)

    def stability(self, report: ExportReport) -> Parity | None:
        """Measure how much an export depends on the choice of calibration images; see `pipeline.stability`."""
        return stability(self.original, report, self.reference, self.calibration)

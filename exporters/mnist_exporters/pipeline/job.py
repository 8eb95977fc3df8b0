"""`Job`: convert a model, compare the file with its original, and write it if it passes."""

from __future__ import annotations

import contextlib
import dataclasses
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, cast

import numpy as np
import numpy.typing as npt

from mnist_exporters.errors import ConversionError, missing_packages
from mnist_exporters.formats.contents import Contents
from mnist_exporters.formats.plugin import load_plugin
from mnist_exporters.formats.spec_checks import check_matches
from mnist_exporters.inputs.calibration import Calibration
from mnist_exporters.pipeline.manifest import manifest_of, without_scores
from mnist_exporters.pipeline.staging import StagedExport, package_folder, trial_scores
from mnist_exporters.proof.answers import Answers, scores_or_nan
from mnist_exporters.proof.parity import Parity
from mnist_exporters.proof.reference import Reference
from mnist_exporters.proof.repair import Repair
from mnist_exporters.proof.report import ExportReport
from mnist_exporters.proof.threshold import choose_threshold
from mnist_exporters.spec.export_spec import ExportSpec
from mnist_exporters.spec.package_kind import PackageFolder
from mnist_exporters.spec.treatment import PLAIN
from mnist_exporters.targets.devices import Target
from mnist_exporters.targets.interpreters import loads_on
from mnist_runtime import Classifier, Golden, Manifest
from mnist_runtime.errors import NotFiniteError

if TYPE_CHECKING:
    from mnist_exporters.inputs.original import Original
    from mnist_exporters.inputs.original_model import OriginalModel

__all__ = ["Attempt", "Converted", "Job"]


@dataclass(frozen=True, eq=False)
class Converted:
    """A model in the format of an export, before the accuracy check.

    Parameters
    ----------
    model : bytes
        The bare model.
    contents : Contents
        What it contains.
    manifest : Manifest
        Its manifest, without the results of the check.
    """

    model: bytes
    contents: Contents
    manifest: Manifest


@dataclass(frozen=True, eq=False)
class Attempt:
    """The report of one export, and what its model contains."""

    report: ExportReport
    contents: Contents


@dataclass(frozen=True, eq=False)
class Job:
    """The arguments that all exports of one model share; see `mnist_exporters.pipeline.export` for the fields."""

    original: OriginalModel
    destination: Path
    reference: Reference
    golden_images: npt.NDArray[np.uint8]
    calibration: Calibration | None
    target: Target | None
    started: float = dataclasses.field(default_factory=time.perf_counter)

    def attempt(self, spec: ExportSpec, repair: Repair | None = None, *, write: bool = True) -> Attempt:
        """Convert the original and compare the file with it. If it passes and `write` is true, move it into place."""
        began = time.perf_counter()
        with self._diagnosed(spec, is_trial=bool(repair) or not write):
            converted = self._converted(spec, repair)
        return self.prove(spec, converted, repair, write=write, seconds=time.perf_counter() - began)

    def prove(
        self,
        spec: ExportSpec,
        converted: Converted,
        repair: Repair | None = None,
        *,
        write: bool = True,
        seconds: float = 0.0,
    ) -> Attempt:
        """Compare a model with the original. If it passes and `write` is true, pack it and move it into place.

        Parameters
        ----------
        spec : ExportSpec
            Format, precision and tolerance.
        converted : Converted
            The model.
        repair : Repair, optional
            The repair with which the model was converted.
        write : bool
            Whether to write the file if it passes.
        seconds : float
            Time that the conversion took.
        """
        contents = converted.contents
        contents.check_unchanging()
        npu = None
        if self.target:
            self.target.check_contents(contents)
            npu = self.target.npu_memory(converted.model)
        with StagedExport(self.destination, load_plugin(spec.format), spec.package) as staged:
            staged.write(converted.model, converted.manifest, without_scores(self.golden_images, self.original.task))
            with self._diagnosed(spec, is_trial=bool(repair) or not write):
                device = staged.load()
            answers, parity = self._compared(spec, device)
            golden = self._golden(device)
            staged.write(converted.model, _with_proof(converted.manifest, device, parity), golden)
            is_written = parity.passed and write
            report = ExportReport(
                path=self.destination if is_written else None,
                package=self._package(spec) if is_written else None,
                format=spec.format,
                precision=spec.precision.value,
                size_bytes=staged.size,
                model_bytes=len(converted.model),
                sha256=staged.sha256,
                input_dtype=contents.input.dtype,
                output_dtype=contents.output.dtype,
                pixel_range=self.original.pixel_range,
                loads_on=loads_on(contents),
                requires=contents.requirements(),
                parity=parity,
                seconds=round(time.perf_counter() - self.started, 3),
                seconds_converting=round(seconds, 3),
                scores=answers.scores,
                left_out=self.calibration.left_out if self.calibration else 0,
                repair=repair,
                npu=npu,
                processors=staged.measure() if is_written else (),
            )
            if is_written:
                _check_golden_scores(staged.load(), golden)
                staged.commit()
        return Attempt(report, contents)

    def _compared(self, spec: ExportSpec, device: Classifier) -> tuple[Answers, Parity]:
        """Return the answers of a file to the test images, and their comparison with the original's."""
        answers = Answers.of(device, self.reference)
        classes = answers.scores.shape[1]
        others = [scores_or_nan(device, images, classes) for images in self.reference.other_digits]
        threshold = choose_threshold(self.reference, answers.scores, spec.tolerance, others)
        return answers, Parity.compare(self.reference, answers, spec.tolerance, threshold)

    def _package(self, spec: ExportSpec) -> PackageFolder | None:
        return PackageFolder(spec.package, package_folder(self.destination, spec.package)) if spec.package else None

    def _golden(self, device: Classifier) -> Golden:
        """Return the golden images with the scores of `device`; without scores if some are nan or infinity."""
        try:
            return Golden(self.golden_images, device.scores(self.golden_images))
        except NotFiniteError:  # the accuracy check refuses such an export
            return without_scores(self.golden_images, self.original.task)

    def scores(self, spec: ExportSpec, repair: Repair, images: npt.NDArray[np.uint8]) -> npt.NDArray[np.float32]:
        """Convert the original with a repair, and return the scores for `images`. Nothing is checked or written."""
        trial = self._converted(spec, repair, is_checked=False)
        return trial_scores(spec.format, trial.model, trial.manifest, images)

    def _converted(self, spec: ExportSpec, repair: Repair | None, *, is_checked: bool = True) -> Converted:
        missing = spec.missing_packages(self.original.kind)
        if missing:
            raise missing_packages(f"{spec.format} {spec.precision}", missing)
        plugin, treatment = load_plugin(spec.format), repair.treatment if repair else PLAIN
        used = self.calibration if spec.precision.is_calibrated else None
        if used:
            used.check_overlap(self.reference.images)
        model = plugin.convert(self.original, spec, used, treatment)
        contents = plugin.read(model)
        if is_checked:
            check_matches(contents, spec, self.original.input_scaling, treatment)
        return Converted(model, contents, manifest_of(self.original, spec, contents, used, repair))

    def _diagnosed(self, spec: ExportSpec, *, is_trial: bool) -> contextlib.AbstractContextManager[None]:
        """Return a context in which errors name the layer of a Keras model. Finding the layer takes up to a minute.

        For other models, and for trials, whose errors are not shown, the context does nothing.
        """
        if is_trial or self.original.kind != "keras":
            return contextlib.nullcontext()
        from mnist_exporters.pipeline.diagnosis import diagnosed  # Keras

        return diagnosed(cast("Original", self.original), spec, self.calibration)


def _with_proof(manifest: Manifest, device: Classifier, parity: Parity) -> Manifest:
    """Return `manifest` with the results of the check."""
    recorded = {**manifest.golden, "backend": device.backend_name}
    return dataclasses.replace(manifest, golden=recorded, parity=parity.as_dict(), threshold=parity.threshold)


def _check_golden_scores(device: Classifier, golden: Golden) -> None:
    """Check that the packed file reproduces its golden scores."""
    if not np.array_equal(device.scores(golden.images), golden.scores):
        raise ConversionError("The packed file does not reproduce its golden scores. Please report this as a bug.")

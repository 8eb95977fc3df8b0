"""`Job`: convert a model, compare the file with its original, and write it if it passes."""

from __future__ import annotations

import contextlib
import dataclasses
import importlib.util
import platform
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, cast

import numpy as np
import numpy.typing as npt

from mnist_exporters.errors import ConversionError, missing_packages
from mnist_exporters.formats.contents import BLACK, Contents
from mnist_exporters.formats.plugin import load_plugin
from mnist_exporters.formats.spec_checks import check_matches
from mnist_exporters.inputs.calibration import Calibration
from mnist_exporters.pipeline.manifest_facts import (
    processor_name,
    schema_of,
    task_facts,
    training_facts,
    without_scores,
)
from mnist_exporters.pipeline.staging import StagedExport, package_folder, trial_scores
from mnist_exporters.proof.answers import Answers, scores_or_nan
from mnist_exporters.proof.parity import Parity
from mnist_exporters.proof.reference import Reference
from mnist_exporters.proof.repair import Repair
from mnist_exporters.proof.report import ExportReport
from mnist_exporters.proof.threshold import choose_threshold
from mnist_exporters.spec.export_spec import ExportSpec
from mnist_exporters.spec.format import FORMATS, KERAS_PACKAGES
from mnist_exporters.spec.package_kind import PackageFolder
from mnist_exporters.spec.precision import PACKAGES
from mnist_exporters.spec.treatment import PLAIN
from mnist_exporters.targets.devices import Target
from mnist_exporters.targets.interpreters import loads_on
from mnist_runtime import Classifier, Golden, Manifest, __version__
from mnist_runtime.errors import NotFiniteError
from mnist_runtime.system.process import installed_version

if TYPE_CHECKING:
    from mnist_exporters.inputs.original import Original
    from mnist_exporters.inputs.original_model import OriginalModel

__all__ = ["Attempt", "Job"]


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
            model, contents, manifest = self._converted(spec, repair)
        return self.prove(spec, model, contents, manifest, repair, write=write, seconds=time.perf_counter() - began)

    def prove(
        self,
        spec: ExportSpec,
        model: bytes,
        contents: Contents,
        manifest: Manifest,
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
        model, contents, manifest : bytes, Contents, Manifest
            The bare model, its contents, and its manifest without the results of the check.
        repair : Repair, optional
            The repair with which the model was converted.
        write : bool
            Whether to write the file if it passes.
        seconds : float
            Time that the conversion took.
        """
        plugin = load_plugin(spec.format)
        contents.check_unchanging()
        npu = None
        if self.target:
            self.target.check_contents(contents)
            npu = self.target.npu_memory(model)
        with StagedExport(self.destination, plugin, spec.package) as staged:
            staged.write(model, manifest, without_scores(self.golden_images, self.original.task))
            with self._diagnosed(spec, is_trial=bool(repair) or not write):
                device = staged.load()
            answers = Answers.of(device, self.reference)
            classes = answers.scores.shape[1]
            others = [scores_or_nan(device, images, classes) for images in self.reference.other_digits]
            threshold = choose_threshold(self.reference, answers.scores, spec.tolerance, others)
            parity = Parity.compare(self.reference, answers, spec.tolerance, threshold)
            golden = self._golden(device)
            recorded = {**manifest.golden, "backend": device.backend_name}
            proven = dataclasses.replace(manifest, golden=recorded, parity=parity.as_dict(), threshold=threshold.value)
            staged.write(model, proven, golden)
            is_written = parity.passed and write
            report = ExportReport(
                path=self.destination if is_written else None,
                package=self._package(spec) if is_written else None,
                format=spec.format,
                precision=spec.precision.value,
                size_bytes=staged.size,
                model_bytes=len(model),
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
            if report.path:
                _check_golden_scores(staged.load(), golden)
                staged.commit()
        return Attempt(report, contents)

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
        model, _, manifest = self._converted(spec, repair, is_checked=False)
        return trial_scores(spec.format, model, manifest, images)

    def _converted(
        self, spec: ExportSpec, repair: Repair | None, *, is_checked: bool = True
    ) -> tuple[bytes, Contents, Manifest]:
        """Return the bare model, its contents, and its manifest without the results of the check."""
        _check_packages(spec, self.original.kind)
        plugin, treatment = load_plugin(spec.format), repair.treatment if repair else PLAIN
        used = self._calibration_of(spec)
        if used:
            used.check_overlap(self.reference.images)
        model = plugin.convert(self.original, spec, used, treatment)
        contents = plugin.read(model)
        if is_checked:
            check_matches(contents, spec, self.original.input_scaling, treatment)
        return model, contents, self._manifest(spec, contents, repair)

    def _diagnosed(self, spec: ExportSpec, *, is_trial: bool) -> contextlib.AbstractContextManager[None]:
        """Return a context in which errors name the layer of a Keras model. Finding the layer takes up to a minute.

        For other models, and for trials, whose errors are not shown, the context does nothing.
        """
        if is_trial or self.original.kind != "keras":
            return contextlib.nullcontext()
        from mnist_exporters.pipeline.diagnosis import diagnosed  # Keras

        return diagnosed(cast("Original", self.original), spec, self.calibration)

    def _calibration_of(self, spec: ExportSpec) -> Calibration | None:
        return self.calibration if spec.precision.is_calibrated else None

    def _manifest(self, spec: ExportSpec, contents: Contents, repair: Repair | None) -> Manifest:
        """Return the manifest without the results of the check."""
        used = self._calibration_of(spec)
        gives_logits = repair is not None and repair.treatment.activation == "reader"
        activation = {"activation": self.original.score_kind} if gives_logits else {}
        packages = _packages(spec, self.original.kind)
        tools = {package: installed_version(package) for package in (*packages, "numpy")}
        return Manifest(
            name=self.original.name,
            format=spec.format,
            precision=spec.precision.value,
            scores=self.original.score_kind,
            **task_facts(
                self.original.task,
                {"dtype": contents.input.dtype, **_input_scale(contents, self.original)},
                {"dtype": contents.output.dtype, **activation},
            ),
            source={
                "sha256": self.original.sha256,
                "parameters": self.original.count_params(),
                **self.original.scaling.as_dict(),
                "activation": self.original.activation,
                **training_facts(self.original),
            },
            tools={"mnist-edge-export": __version__, **tools},
            golden={
                "version": __version__ if FORMATS[spec.format].has_engine else tools[packages[-1]],
                "machine": platform.machine(),
                "processor": processor_name(),
            },
            requires=contents.requirements(),
            calibration=used.as_dict() if used else None,
            repair=repair.as_dict() if repair else None,
            schema=schema_of(self.original.task, is_plain=not gives_logits),
        )


def _packages(spec: ExportSpec, kind: str) -> tuple[str, ...]:
    """Return the packages that influence the file. The last one is the interpreter for the accuracy check."""
    of_precision = (PACKAGES[spec.precision],) if spec.precision in PACKAGES else ()
    used = (name for name in FORMATS[spec.format].packages if kind == "keras" or name not in KERAS_PACKAGES)
    return (*of_precision, *used)


def _check_packages(spec: ExportSpec, kind: str) -> None:
    extras = {PACKAGES[spec.precision]: spec.precision.value} if spec.precision in PACKAGES else {}
    missing = {
        package: extras.get(package, FORMATS[spec.format].extra)
        for package in _packages(spec, kind)
        if importlib.util.find_spec(package.replace("-", "_")) is None
    }
    if missing:
        raise missing_packages(f"{spec.format} {spec.precision}", missing)


def _input_scale(contents: Contents, original: OriginalModel) -> dict[str, float]:
    """Return scale and offset for a file that does not take raw pixels: its input is ``pixel * scale + offset``."""
    if contents.input.dtype == "uint8":
        return {}
    if contents.input.dtype == "float32":
        return {"scale": original.input_scaling.scale, "offset": original.input_scaling.offset}
    return {"scale": 1, "offset": BLACK[contents.input.dtype]}


def _check_golden_scores(device: Classifier, golden: Golden) -> None:
    """Check that the packed file reproduces its golden scores."""
    if not np.array_equal(device.scores(golden.images), golden.scores):
        raise ConversionError("The packed file does not reproduce its golden scores. Please report this as a bug.")

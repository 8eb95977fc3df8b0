"""`export`: convert a model, prove its accuracy, and write the file only if the proof succeeds."""

from __future__ import annotations

import dataclasses
import importlib.util
import platform
import time
from importlib import metadata
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from mnist_exporters.errors import ConversionError, missing_packages
from mnist_exporters.formats.contents import BLACK, Contents
from mnist_exporters.formats.plugin import load_plugin
from mnist_exporters.inputs.calibration import Calibration
from mnist_exporters.pipeline.diagnosis import diagnosed
from mnist_exporters.pipeline.processor import processor_name
from mnist_exporters.pipeline.staging import StagedExport
from mnist_exporters.proof.parity import Parity
from mnist_exporters.proof.reference import Reference
from mnist_exporters.proof.report import ExportReport, RefusedError
from mnist_exporters.spec.export_spec import ExportSpec
from mnist_exporters.spec.format import FORMATS
from mnist_exporters.spec.precision import PACKAGES
from mnist_exporters.targets.devices import Target
from mnist_exporters.targets.interpreters import loads_on
from mnist_runtime import Classifier, Golden, Manifest, __version__

if TYPE_CHECKING:
    from mnist_exporters.inputs.original import Original

__all__ = ["export"]

PREPARATION = {
    "polarity": "white on black",
    "box": 20,
    "field": 28,
    "centre": "centre of mass",
    "pixels": "raw, 0..255",
}


def export(
    original: Original,
    spec: ExportSpec,
    destination: Path,
    *,
    reference: Reference,
    golden_images: npt.NDArray[np.uint8],
    calibration: Calibration | None = None,
    threshold: float = 0.0,
    target: Target | None = None,
) -> ExportReport:
    """Export `original` to `destination`. The file is written only if its accuracy is proven, and then completely.

    `mnist_exporters.export_model` and `mnist_exporters.ExportSession` call this with everything that it needs.

    Parameters
    ----------
    original : Original
        The Keras model.
    spec : ExportSpec
        Format, precision, types and accepted accuracy loss.
    destination : Path
        The file to write, in an existing folder. An existing file is replaced, but only by a proven one.
    reference : Reference
        Test images and the original's scores for them, with which the export is compared.
    golden_images : ndarray of shape (k, 28, 28), dtype uint8
        Real digits to store in the file; whoever has the file can read them.
    calibration : Calibration, optional
        Training images; only calibrated precisions need and use them.
    threshold : float, optional
        Confidence, 0..1, below which a device reports "no digit"; see `confidence_threshold`.
    target : Target, optional
        A device that must be able to load the file.

    Returns
    -------
    ExportReport

    Raises
    ------
    RefusedError
        If the accuracy loss is not proven to be within the tolerance. It holds the report.
    CalibrationError
        If a calibration image is also a test image.
    OperatorError
        If the format has no operators for a layer. The message names the layer, and what the model converts to.
    ConversionError
        If the result is not as requested, or `target` cannot load it.
    MissingPackageError
        If a converter or interpreter is not installed.
    OutputError
        If the file cannot be written.
    """
    started = time.perf_counter()
    _check_packages(spec)
    plugin = load_plugin(spec.format)
    used = calibration if spec.precision.is_calibrated else None
    if used:
        used.check_overlap(reference.images)
    with diagnosed(original, spec, calibration):
        model = plugin.convert(original, spec, used)
        contents = plugin.read(model)
        contents.check_matches(spec, original.input_scaling)
    if target:
        target.check_contents(contents)
    converted = time.perf_counter()
    manifest = _manifest(original, spec, contents, used, threshold)
    with StagedExport(destination, plugin) as staged:
        staged.write(model, manifest, Golden(golden_images, np.empty((0, 10), np.float32)))
        with diagnosed(original, spec, calibration):
            device = staged.load()
        scores, alone = reference.scores_of(device)
        parity = Parity.compare(reference, scores, spec.tolerance, alone)
        golden = Golden(golden_images, device.scores(golden_images))
        recorded = {**manifest.golden, "backend": device.backend_name}
        staged.write(model, dataclasses.replace(manifest, golden=recorded, parity=parity.as_dict()), golden)
        report = ExportReport(
            path=destination if parity.passed else None,
            format=spec.format,
            precision=spec.precision.value,
            size_bytes=staged.size,
            model_bytes=len(model),
            sha256=staged.sha256,
            input_dtype=contents.input.dtype,
            output_dtype=contents.output.dtype,
            pixel_range=original.pixel_range,
            loads_on=loads_on(contents),
            requires=contents.requirements(),
            parity=parity,
            seconds=round(time.perf_counter() - started, 3),
            seconds_converting=round(converted - started, 3),
            scores=scores,
            left_out=calibration.left_out if calibration else 0,
        )
        if not parity.passed:
            raise RefusedError(report)
        _check_golden_scores(staged.load(), golden)
        staged.commit()
    return report


def _packages(spec: ExportSpec) -> tuple[str, ...]:
    """Return the packages that influence the file, the interpreter of the proof last."""
    of_precision = (PACKAGES[spec.precision],) if spec.precision in PACKAGES else ()
    return (*of_precision, *FORMATS[spec.format].packages)


def _check_packages(spec: ExportSpec) -> None:
    extras = {PACKAGES[spec.precision]: spec.precision.value} if spec.precision in PACKAGES else {}
    missing = {
        package: extras.get(package, FORMATS[spec.format].extra)
        for package in _packages(spec)
        if importlib.util.find_spec(package.replace("-", "_")) is None
    }
    if missing:
        raise missing_packages(f"{spec.format} {spec.precision}", missing)


def _manifest(
    original: Original, spec: ExportSpec, contents: Contents, calibration: Calibration | None, threshold: float
) -> Manifest:
    tools = {package: metadata.version(package) for package in (*_packages(spec), "numpy")}
    return Manifest(
        name=original.name,
        format=spec.format,
        precision=spec.precision.value,
        labels=tuple("0123456789"),
        scores="sigmoid" if original.activation == "sigmoid" else "softmax",
        input={"dtype": contents.input.dtype, "shape": [None, 28, 28, 1], **_input_scale(contents, original)},
        output={"dtype": contents.output.dtype, "shape": [None, 10]},
        preparation=PREPARATION,
        source={
            "sha256": original.sha256,
            "parameters": int(original.model.count_params()),
            **original.scaling.as_dict(),
            "activation": original.activation,
            "rejects_non_digits": original.rejects_non_digits,
        },
        tools={"mnist-edge-export": __version__, **tools},
        golden={
            "version": tools[_packages(spec)[-1]],
            "machine": platform.machine(),
            "processor": processor_name(),
        },
        requires=contents.requirements(),
        threshold=threshold,
        calibration=calibration.as_dict() if calibration else None,
    )


def _input_scale(contents: Contents, original: Original) -> dict[str, float]:
    """Return scale and offset for a file without raw pixel input: input = ``pixel * scale + offset``."""
    if contents.input.dtype == "uint8":
        return {}
    if contents.input.dtype == "float32":
        return {"scale": original.input_scaling.scale, "offset": original.input_scaling.offset}
    return {"scale": 1, "offset": BLACK[contents.input.dtype]}


def _check_golden_scores(device: Classifier, golden: Golden) -> None:
    """Check that the packed file reproduces its golden scores."""
    if not np.array_equal(device.scores(golden.images), golden.scores):
        raise ConversionError("The packed file does not reproduce its golden scores. Please report this as a bug.")

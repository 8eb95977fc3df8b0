"""`export`: convert, prove, seal, and only then let the file appear at its destination."""

from __future__ import annotations

import contextlib
import dataclasses
import hashlib
import importlib.util
import os
import pkgutil
import platform
import tempfile
import time
from collections.abc import Iterator
from importlib import metadata
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from mnist_exporters.calibration import Calibration
from mnist_exporters.errors import ConversionError, MissingPackageError
from mnist_exporters.formats import FORMATS, Format
from mnist_exporters.original import Original
from mnist_exporters.parity import Parity, Reference
from mnist_exporters.refused_error import RefusedError
from mnist_exporters.report import ExportReport
from mnist_exporters.seal import seal
from mnist_exporters.spec import ExportSpec
from mnist_runtime import Classifier, Golden, Manifest, __version__
from mnist_runtime.backend import backend_version

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
) -> ExportReport:
    """Export `original` as `spec` says; the file appears at `destination` proven and whole, or not at all.

    Parameters
    ----------
    original : Original
        The Keras model.
    spec : ExportSpec
        Format, precision, tolerance.
    destination : Path
        The file to write, in a folder that exists. One that is there already is replaced, by a proven one only.
    reference : Reference
        Test images and what the original says about them: what the export is proven on.
    calibration : Calibration, optional
        Training images; only precisions that are calibrated need and use them.
    golden_images : ndarray of shape (k, 28, 28), dtype uint8
        Real digits that may be given away with the file.

    Returns
    -------
    ExportReport

    Raises
    ------
    RefusedError
        If the export is not proven to be as good as the original within the tolerance. It holds the report.
    CalibrationError
        If a calibration image is also one of the test images.
    ConversionError
        If the model cannot be expressed in the format.
    MissingPackageError
        If a converter or interpreter is not installed.
    """
    started = time.perf_counter()
    row = FORMATS[spec.format]
    _need(row)
    used = calibration if spec.precision.is_calibrated else None
    if used:
        used.refuse_overlap(reference.images)
    model: bytes = pkgutil.resolve_name(row.convert)(original, spec.precision, used)
    manifest = _manifest(original, spec, row, used)
    with _beside(destination) as draft:
        draft.write_bytes(seal(model, manifest, Golden(golden_images, np.empty((0, 10), np.float32))))
        device = Classifier.load(draft, backend=row.backend)
        parity = Parity.compare(reference, device.predict_proba(reference.images), spec.tolerance)
        golden = Golden(golden_images, device.scores(golden_images))
        output = {"dtype": golden.scores.dtype.name, "shape": [None, 10]}
        proven = dataclasses.replace(manifest, output=output, parity=parity.as_dict())
        content = seal(model, proven, golden)
        report = ExportReport(
            path=destination if parity.passed else None,
            format=spec.format,
            precision=spec.precision.value,
            size_bytes=len(content),
            model_bytes=len(model),
            sha256=hashlib.sha256(content).hexdigest(),
            input_dtype=proven.input["dtype"],
            output_dtype=proven.output["dtype"],
            pixel_range=original.pixel_range,
            parity=parity,
            seconds=round(time.perf_counter() - started, 3),
        )
        if not parity.passed:
            raise RefusedError(report)
        _write(draft, content)
        _confirm(draft, row.backend, golden)
        draft.replace(destination)
    return report


@contextlib.contextmanager
def _beside(destination: Path) -> Iterator[Path]:
    """Give a file beside `destination`, so that a rename makes it appear whole; what is left of it is deleted."""
    handle, name = tempfile.mkstemp(prefix=f".{destination.name}.", dir=destination.parent)
    os.close(handle)
    try:
        yield Path(name)
    finally:
        Path(name).unlink(missing_ok=True)


def _need(row: Format) -> None:
    for package in row.packages:
        if importlib.util.find_spec(package.replace("-", "_")) is None:
            raise MissingPackageError(
                f"Expected {package}, which this format needs, it is not installed: pip install {package}."
            )


def _manifest(original: Original, spec: ExportSpec, row: Format, calibration: Calibration | None) -> Manifest:
    tools = {package: metadata.version(package) for package in (*row.packages, "numpy")}
    return Manifest(
        name=original.name,
        format=spec.format,
        precision=spec.precision.value,
        labels=tuple("0123456789"),
        scores="sigmoid" if original.activation == "sigmoid" else "softmax",
        input={"dtype": "uint8", "shape": [None, 28, 28, 1]},
        output={},
        preparation=PREPARATION,
        source={
            "sha256": original.sha256,
            "parameters": int(original.model.count_params()),
            "pixel_range": original.pixel_range,
            "activation": original.activation,
        },
        tools={"mnist-edge-export": __version__, **tools},
        golden={"backend": row.backend, "version": backend_version(row.backend), "machine": platform.machine()},
        calibration=calibration.as_dict() if calibration else None,
    )


def _write(path: Path, content: bytes) -> None:
    with path.open("wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())  # a rename must not overtake the data
    path.chmod(0o666 & ~_umask())


def _umask() -> int:
    current = os.umask(0)
    os.umask(current)
    return current


def _confirm(path: Path, backend: str, golden: Golden) -> None:
    """Load the very file that is about to appear and ask it about its own golden vectors."""
    scores: npt.NDArray[Any] = Classifier.load(path, backend=backend).scores(golden.images)
    if not np.array_equal(scores, golden.scores):
        raise ConversionError("Expected the sealed file to repeat its golden vectors, it gave other scores.")

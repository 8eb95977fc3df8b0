"""The functions for files that exist already: verify, seal, inspect and sign them."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from mnist_exporters.api import open_session
from mnist_exporters.pipeline.existing_files.signing import sign
from mnist_exporters.reports.inspection import Inspection
from mnist_exporters.sources import check_types, is_foreign_file, load_foreign_file, stated_for_file
from mnist_exporters.spec.format import format_of, format_of_file
from mnist_runtime.errors import ArtifactError, UsageError
from mnist_trainer.errors import nearest_path
from mnist_trainer.foreign.load import find_source

if TYPE_CHECKING:
    from mnist_exporters.api import Data, Model
    from mnist_exporters.pipeline.existing_files.verify import Verification
    from mnist_exporters.proof.report import ExportReport
    from mnist_trainer.data.stated import StatedTask
    from mnist_trainer.recipes.pixel_scaling import PixelScaling

__all__ = ["inspect", "seal", "sign", "verify"]


def verify(
    path: str | Path,
    model: Model,
    data: Data = "mnist",
    *,
    stated: StatedTask | None = None,
    max_accuracy_drop: float | None = None,
    pixel_range: PixelScaling | str | None = None,
    file_pixel_range: PixelScaling | str | None = None,
    expect_accuracy: float | None = None,
    trust: bool = False,
) -> Verification:
    """Compare a model file with its original, image by image, on this machine.

    The file is an export or comes from another tool. A file from another tool runs in a separate process.

    Parameters
    ----------
    path : str or Path
        An exported file, or a ``.tflite`` or ``.onnx`` file that another tool made.
    file_pixel_range : PixelScaling or str, optional
        The pixel scaling that a file from another tool expects; see `PixelScaling.parse`. Default: measured.
    model, data, stated, pixel_range, expect_accuracy, trust
        See `open_session`.
    max_accuracy_drop : float, optional
        Largest accepted accuracy loss, a fraction above 0 and at most 0.1. Default: that of the file's precision.

    Returns
    -------
    Verification
        ``parity.passed`` is the result; no error is raised if the file fails.

    Raises
    ------
    UsageError
        If the suffix of `path` is unknown or the accuracy drop is out of range.
    ArtifactError
        If the file is missing or damaged.
    RefusedError, ModelError, DataError
        See `open_session`.

    Examples
    --------
    >>> from tempfile import mkdtemp
    >>> from mnist_exporters import export_model
    >>> report = export_model("linear", Path(mkdtemp()) / "linear.onnx", data="digits")
    >>> verify(report.path, "linear", "digits").parity.passed
    True
    """
    check_types(stated, pixel_range, trust=trust)
    path = Path(path)
    format_of_file(path)
    if not path.is_file():
        raise ArtifactError(f"There is no model file at {path}.{nearest_path(path) or ' Check the path.'}")
    is_foreign = is_foreign_file(path, file_pixel_range)
    if not is_foreign:
        stated = stated_for_file(path, stated)
    session = open_session(
        model, data, stated=stated, pixel_range=pixel_range, expect_accuracy=expect_accuracy, trust=trust
    )
    foreign = load_foreign_file(path, session, file_pixel_range) if is_foreign else None
    return session.verify(path, max_accuracy_drop, foreign)


def seal(
    path: str | Path,
    model: Model,
    destination: str | Path,
    data: Data = "mnist",
    *,
    stated: StatedTask | None = None,
    max_accuracy_drop: float | None = None,
    pixel_range: PixelScaling | str | None = None,
    file_pixel_range: PixelScaling | str | None = None,
    expect_accuracy: float | None = None,
    trust: bool = False,
    golden_from_data: bool = False,
) -> ExportReport:
    """Check the accuracy of a file from another tool, and write it as an artifact that mnist-runtime can run.

    The artifact is the unchanged model with a manifest, the result of the check and golden vectors.

    Parameters
    ----------
    path : str or Path
        A ``.tflite`` or ``.onnx`` file that another tool made.
    destination : str or Path
        The file to write, or a folder. In a folder, the file is named after `path` and its precision. Missing folders
        are created.
    model, data, max_accuracy_drop, stated, pixel_range, file_pixel_range, expect_accuracy, trust
        See `verify`.
    golden_from_data : bool
        See `open_session`.

    Raises
    ------
    RefusedError
        If the accuracy loss is not proven to be within the tolerance. Nothing is written then.
    UsageError
        If ``mnist-export`` made the file already, or an argument is wrong.
    ConversionError
        If the runtime does not support the types or shapes of the file's input or output.
    ArtifactError, ModelError, DataError, OutputError
        If a file or the data is missing, damaged or unsuitable, or the destination cannot be written.
    """
    path = find_source(path).path
    if not is_foreign_file(path, None):
        raise UsageError(f"{path} was made by mnist-export and needs no seal. Use: mnist-export verify")
    output = Path(destination)
    if output.exists() and output.samefile(path):
        raise UsageError(f"The output {output} is the file itself. Give another name or a folder.")
    session = open_session(
        model,
        data,
        stated=stated,
        pixel_range=pixel_range,
        expect_accuracy=expect_accuracy,
        trust=trust,
        golden_from_data=golden_from_data,
    )
    foreign = load_foreign_file(path, session, file_pixel_range)
    return session.seal(foreign, output, format_of(path), max_accuracy_drop)


def inspect(path: str | Path) -> Inspection:
    """Read a model file, exported or made by another tool: its manifest, tensors, operators and supported devices.

    Raises
    ------
    UsageError
        If the suffix of `path` is unknown.
    ArtifactError
        If the file is missing, damaged or not a model.

    Examples
    --------
    >>> from importlib import resources
    >>> inspect(str(resources.files("mnist_runtime") / "models" / "cnn-int8.tflite")).manifest.precision
    'int8'
    """
    return Inspection.of(Path(path))

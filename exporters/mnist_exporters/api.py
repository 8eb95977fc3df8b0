"""The functions that export models given by name, path or as Keras objects.

The command ``mnist-export`` calls these functions. TensorFlow is imported when a model is loaded, not before.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, TypeAlias

from mnist_exporters.inputs.calibration import check_draw
from mnist_exporters.pipeline.staging import check_destination, export_path, new_folders_removed
from mnist_exporters.sources import check_types, found_model, load_original, splits_in_memory, stated_with
from mnist_exporters.spec.export_spec import ExportSpec
from mnist_exporters.spec.format import check_source, format_of
from mnist_exporters.spec.package_kind import format_of_package
from mnist_exporters.targets.devices import TARGETS, Target
from mnist_runtime.errors import UsageError
from mnist_trainer.data.load import load_data
from mnist_trainer.data.records import sets_seen_by
from mnist_trainer.errors import nearest_name
from mnist_trainer.foreign.file_model import kind_of
from mnist_trainer.model_io.find import ModelFile

if TYPE_CHECKING:
    import keras
    from numpy.typing import ArrayLike

    from mnist_exporters.pipeline.session import ExportSession
    from mnist_exporters.proof.report import ExportReport
    from mnist_exporters.spec.precision import Precision
    from mnist_trainer.data.dataset import Splits
    from mnist_trainer.data.stated import StatedTask
    from mnist_trainer.recipes.pixel_scaling import PixelScaling

    Model: TypeAlias = str | Path | ModelFile | keras.Model
    Arrays: TypeAlias = tuple[tuple[ArrayLike, ArrayLike], tuple[ArrayLike, ArrayLike]]
    Data: TypeAlias = str | Path | Splits | Arrays


__all__ = ["export_model", "open_session"]


def open_session(
    model: Model,
    data: Data = "mnist",
    *,
    stated: StatedTask | None = None,
    pixel_range: PixelScaling | str | None = None,
    expect_accuracy: float | None = None,
    trust: bool = False,
    calibration_samples: int | None = None,
    seed: int = 0,
    golden_from_data: bool = False,
) -> ExportSession:
    """Load a model and its data for several exports.

    Parameters
    ----------
    model : str, Path, ModelFile or keras.Model
        Name of a ready model, path of a ``.keras`` or ``.h5`` file or of a SavedModel folder, or a model in memory. Or
        the path of a ``.tflite`` or ``.onnx`` file, which is run without TensorFlow.
    data : str, Path, Splits or tuple
        Name or path of a data set, see `mnist_trainer.load_data`, or a loaded one, or arrays as Keras returns them:
        ``((x_train, y_train), (x_test, y_test))``. The training split calibrates, the test split proves the accuracy.
        If `y_test` is None, the training images are divided.
    stated : StatedTask, optional
        Facts about `data` that the model and the data do not show: names of the classes, preparation or size of the
        images. Example: ``StatedTask(labels=("left", "right"))``.
    pixel_range : PixelScaling or str, optional
        How pixels were scaled in training, such as ``"0..1"``, ``"-1..1"`` or ``"0..1 inverted"``; see
        `PixelScaling.parse`. Default: the scaling in the training record of the model, else the measured one.
    expect_accuracy : float, optional
        The accuracy on the test images that you measured yourself, a fraction 0..1. Default: not checked.
    trust : bool
        Whether Python code inside the model file (a Lambda layer) may run.
    calibration_samples : int, optional
        Number of calibration images. Default: 500, or twice the number of classes if that is more; all training images
        if there are fewer.
    seed : int
        Seed of the random draw of calibration images.
    golden_from_data : bool
        Whether to store test images as test vectors in each file. Everyone who has the file can then see them.
        Default: ten handwritten digits that come with this package; for other classes, generated patterns.

    Raises
    ------
    RefusedError
        If the 95 % confidence interval of the model's measured accuracy is below `expect_accuracy`.
    UsageError
        If the model's or the data's name or the pixel range is unknown, or an argument has another type.
    ModelError
        If the model is missing, damaged or unsafe to load, or does not fit these images and classes.
    DataError
        If the data is missing, damaged or unsuitable.
    CalibrationError
        If there are too few training images, or more than one in twenty test images is among them.

    Examples
    --------
    >>> session = open_session("linear", "digits")
    >>> session.original.name, session.original.pixel_range, len(session.test.images)
    ('linear', '0..1', 1500)
    """
    check_draw(calibration_samples, seed)
    check_types(stated, pixel_range, trust=trust, golden_from_data=golden_from_data)
    model = found_model(model)
    # The data is loaded before TensorFlow, which takes seconds to import, so that a wrong path is reported at once.
    # It is not known what a model in memory was trained on. So a data set without splits is divided as for training.
    seen = sets_seen_by([model.path]) if isinstance(model, ModelFile) else None
    if isinstance(data, str | Path):
        splits = load_data(str(data), seen=seen, stated=stated_with(model, str(data), stated))
    else:
        splits = splits_in_memory(data, model, stated, seen)
    original = load_original(model, splits, pixel_range, trust=trust)
    from mnist_exporters.pipeline.session import ExportSession

    session = ExportSession(
        original, *splits, calibration_samples=calibration_samples, seed=seed, golden_from_data=golden_from_data
    )
    session.check_accuracy(expect_accuracy)
    return session


def export_model(
    model: Model,
    destination: str | Path,
    precision: Precision | str = "int8",
    data: Data = "mnist",
    *,
    stated: StatedTask | None = None,
    format: str | None = None,
    input_dtype: str | None = None,
    output_dtype: str | None = None,
    max_accuracy_drop: float | None = None,
    target: Target | str | None = None,
    pixel_range: PixelScaling | str | None = None,
    expect_accuracy: float | None = None,
    trust: bool = False,
    calibration_samples: int | None = None,
    seed: int = 0,
    golden_from_data: bool = False,
    repair: bool = True,
    package: str | None = None,
) -> ExportReport:
    """Export a model to one file, which is written only if the accuracy check passes.

    For several exports of one model use `open_session`, which loads and measures the model once.

    Parameters
    ----------
    model, data, stated, pixel_range, expect_accuracy, trust, calibration_samples, seed, golden_from_data
        See `open_session`.
    destination : str or Path
        The file to write, or a folder for a file named after model and precision. Missing folders are created.
    precision : Precision or str
        A precision of the format, see `Precision`, or one of its aliases.
    format : str, optional
        A key of `FORMATS`. Default: the format with the suffix of `destination`; for a folder that of `package`, or
        ``"tflite"``.
    input_dtype, output_dtype, max_accuracy_drop : optional
        See `ExportSpec`.
    target : Target or str, optional
        A device that must be able to load the file: a key or a value of `TARGETS`.
    repair : bool
        Whether to repeat a refused export with repairs. Each repaired file must pass the same accuracy check; see
        `ExportReport.repair`.
    package : str, optional
        A key of `PACKAGE_KINDS`, such as ``"arduino"``: write a package folder that contains the file. The package
        is named after `destination` if that is a file, else after model and precision.

    Returns
    -------
    ExportReport
        Path, size, accuracy and timings.

    Raises
    ------
    RefusedError
        If the accuracy loss is not proven to be within the tolerance, or the model is less accurate than
        `expect_accuracy`.
    UsageError
        If an argument is wrong or the combination is impossible.
    ConversionError
        If the converter cannot express the model, or `target` cannot load the file.
    MissingPackageError
        If a converter or an interpreter is not installed.
    OutputError
        If the file cannot be written.
    ModelError, DataError, CalibrationError
        See `open_session`.

    Examples
    --------
    >>> from tempfile import mkdtemp
    >>> report = export_model("linear", mkdtemp(), precision="int8", data="digits")
    >>> report.parity.passed, report.path.name, report.input_dtype
    (True, 'linear-int8.tflite', 'uint8')
    """
    if not isinstance(destination, str | os.PathLike):
        raise UsageError(f"destination is {destination!r}, but must be the path of a file or folder.")
    output = Path(destination)
    if format is None and (not output.suffix or output.is_dir()):
        format = format_of_package(package) if package else "tflite"
    spec = ExportSpec(
        format or format_of(output), precision, max_accuracy_drop, input_dtype, output_dtype, package=package
    )
    check_types(stated, pixel_range, trust=trust, golden_from_data=golden_from_data, repair=repair)
    device = TARGETS.get(target) if isinstance(target, str) else target
    if not isinstance(device, Target | None) or (device is None and target is not None):
        hint = (isinstance(target, str) and nearest_name(target, TARGETS)) or f" Choose one of: {', '.join(TARGETS)}."
        raise UsageError(f"There is no target {target!r}.{hint}")
    if device:
        device.check_spec(spec)
    model = found_model(model)
    check_source(kind_of(model.path) if isinstance(model, ModelFile) else "keras", spec.format)
    path = export_path(output, spec, model.name)
    with new_folders_removed(path):
        check_destination(path, spec)  # before the work, which takes seconds
        session = open_session(
            model,
            data,
            stated=stated,
            pixel_range=pixel_range,
            expect_accuracy=expect_accuracy,
            trust=trust,
            calibration_samples=calibration_samples,
            seed=seed,
            golden_from_data=golden_from_data,
        )
        return session.export(spec, path, device, repair=repair)

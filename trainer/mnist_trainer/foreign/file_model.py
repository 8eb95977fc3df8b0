"""`FileModel`: a ``.tflite`` or ``.onnx`` file of another tool, and the pixel scaling that it expects."""

from __future__ import annotations

import contextlib
import math
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from mnist_runtime.artifact.container import Artifact
from mnist_runtime.backends.base import QuantParams
from mnist_runtime.errors import UnsealedError, counted
from mnist_trainer.data.dataset import LabelledImages
from mnist_trainer.errors import ModelError
from mnist_trainer.foreign.interface import INTEGERS, Interface
from mnist_trainer.foreign.process import ModelProcess
from mnist_trainer.model_io.find import ModelFile
from mnist_trainer.model_io.measured.measured_model import ACTIVATION_IMAGES, MeasuredModel, activation_of, check_finite
from mnist_trainer.model_io.pixel_probe.channel_order import check_channel_order
from mnist_trainer.model_io.pixel_probe.evidence import TINY, log_scores
from mnist_trainer.model_io.pixel_probe.own_numbers import check_one_scaling, with_own_numbers
from mnist_trainer.model_io.pixel_probe.probe import PixelProbe
from mnist_trainer.recipes.pixel_scaling import PixelScaling

__all__ = ["FileModel", "is_model_file", "kind_of"]

FORMATS = {".tflite": "tflite", ".onnx": "onnx"}
"""Suffix -> format of the files that are run here."""

REQUEST = 1000
"""Number of images that are sent to the child process at a time."""

BATCH = 50
"""Batch size of the interpreter, if the model accepts batches."""

SAME = 1e-5
"""Largest difference between the scores of an image alone and in a batch: sums may be computed in another order."""


def kind_of(path: Path) -> str:
    """Return the format of a model file by its suffix: ``"tflite"``, ``"onnx"``, or ``"keras"`` for all others."""
    return FORMATS.get(path.suffix, "keras")


def is_model_file(path: str | Path) -> bool:
    """Return whether `path` has the suffix of a file that `FileModel` can run."""
    return Path(path).suffix in FORMATS


@dataclass(frozen=True, eq=False)
class FileModel(MeasuredModel):
    """A model file of another tool. Create it with `FileModel.measure`.

    The file is not trusted, so it runs in a child process.

    Parameters
    ----------
    file : ModelFile
        Path and name.
    interface : Interface
        Type, layout and quantization of its input and output.
    scaling, range_origin, activation, probe, task
        See `MeasuredModel`.
    batch : int
        Batch size of the interpreter, chosen so that batches do not change the scores.
    process : ModelProcess
        The process that runs the file.
    rejects_non_digits : bool or None
        Whether the model was also trained on pictures without a digit. Always None: it is not known.
    """

    file: ModelFile
    interface: Interface
    batch: int
    process: ModelProcess
    rejects_non_digits: bool | None = None

    @classmethod
    def measure(cls, file: ModelFile, data: LabelledImages, *, given: PixelScaling | str | None = None) -> FileModel:
        """Load a file in a child process, and measure which pixel scaling it expects and which activation it ends with.

        Parameters
        ----------
        file : ModelFile
            A ``.tflite`` or ``.onnx`` file.
        data : LabelledImages
            Real images with labels; see `probe_images`.
        given : PixelScaling or str, optional
            The scaling that the user gives. Default: measured.

        Raises
        ------
        ArtifactError
            If the file is missing, damaged, or crashes the process.
        ModelError
            If the model has another shape or several inputs or outputs, gives scores that are not finite, or is far
            more accurate on color images with blue first.
        UsageError
            If `given` cannot be parsed.
        """
        scaling = PixelScaling.parse(given) if isinstance(given, str) else given
        format = FORMATS[file.path.suffix]
        with contextlib.suppress(UnsealedError):
            Artifact.open(file.path)  # checks the size of the file, and its digest if there is one
        process = ModelProcess(file.path, format)
        try:
            classes = len(data.task.labels)
            interface = Interface.of(process.facts, data.task.image_shape, prefers_channels_first=format == "onnx")
            batch = _batch(process, interface, data.images, classes)
            smallest = interface.step / 2 or TINY

            def logits_of(pixels: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
                return log_scores(_run(process, interface, pixels, batch, classes), smallest)

            conventions = interface.conventions()
            if interface.input.dtype not in INTEGERS:  # integer inputs have a fixed range
                conventions = with_own_numbers(data, conventions)
            probe = None if scaling else PixelProbe.measure(logits_of, data, conventions)
            if probe:
                check_channel_order(logits_of, data, probe, conventions)
                check_one_scaling(logits_of, data, probe, is_keras=False)
            chosen = np.random.default_rng(0).permutation(len(data.images))[:ACTIVATION_IMAGES]
            used = probe.chosen if probe else scaling
            assert used is not None
            scores = _run(process, interface, used.apply(data.images[chosen]), batch, classes)
            check_finite(scores, "Make it again.")
        except ModelError as error:
            process.close()
            raise ModelError(f"{file.path}: {error}") from error
        origin = "as given" if probe is None else "measured"
        activation = activation_of(scores, interface.step)
        return cls(used, origin, activation, probe, data.task, file, interface, batch, process)

    @property
    def name(self) -> str:
        """Name of the model, used for the files that are made from it."""
        return self.file.name

    @cached_property
    def sha256(self) -> str:
        """SHA-256 of the file."""
        return self.file.sha256

    @property
    def kind(self) -> str:
        """Format of the file, ``"tflite"`` or ``"onnx"``."""
        return FORMATS[self.file.path.suffix]

    @property
    def input_scaling(self) -> PixelScaling:
        """Pixel scaling of the quantized input in files that are made from it: raw pixels."""
        return PixelScaling.between(0, 255)

    @property
    def content(self) -> bytes:
        """The bytes of the file."""
        return self.file.path.read_bytes()

    @property
    def tensor_shape(self) -> tuple[int, ...]:
        """Shape of one image in the input."""
        return self.interface.tensor_shape

    @property
    def image_shape(self) -> tuple[int, int, int]:
        """Height, width and channels of an image."""
        return self.interface.image_shape

    @property
    def quantization(self) -> QuantParams | None:
        """Quantization parameters of the input; None for floats, and for integers without a scale."""
        return self.interface.input.quantization

    @property
    def channels_first(self) -> bool:
        """Whether the input has the layout (channels, height, width)."""
        return self.interface.channels_first

    def count_params(self) -> int:
        """Return the number of parameters; 0 if this is not known, as for ``.tflite`` files."""
        if self.kind != "onnx":
            return 0
        import onnx

        graph = onnx.load_from_string(self.content).graph
        return sum(math.prod(tensor.dims) for tensor in graph.initializer)

    def changing_layer(self, images: npt.NDArray[np.uint8], trial: Any) -> str:
        """Return an empty string, because the layers inside a file are not accessible."""
        del images, trial
        return ""

    @property
    def pixel_line(self) -> str:
        """See `MeasuredModel.pixel_line`."""
        return str(self)

    def raw_scores(self, images: npt.NDArray[np.uint8]) -> npt.NDArray[np.float32]:
        """Return the output of the model, dequantized, float32 (n, k), for raw pixels uint8 (n, h, w[, 3])."""
        return _run(self.process, self.interface, self.scaling.apply(images), self.batch, len(self.task.labels))

    def predict_proba(self, images: npt.NDArray[np.uint8]) -> npt.NDArray[np.float32]:
        """Return `scores`, float32 (n, k); the same method as that of `Classifier`."""
        return self.scores(images)

    def __str__(self) -> str:
        one = ", one image at a time" if self.batch == 1 else ""
        return (
            f"takes pixels {self.scaling} ({self.range_origin}) as {self.interface.input}, gives {self.activation} as "
            f"{self.interface.output}{one}"
        )


def _batch(process: ModelProcess, interface: Interface, images: npt.NDArray[np.uint8], classes: int) -> int:
    """Return the batch size that does not change the scores: `BATCH` or 1."""
    few = images[:3].astype(np.float32) / np.float32(255)
    alone = _run(process, interface, few, 1, classes)
    if interface.takes_one and process.format == "onnx":
        return 1
    try:
        together = _run(process, interface, few, len(few), classes)
    except ModelError:  # for example, a reshape in the model allows only one image
        return 1
    return BATCH if np.allclose(alone, together, atol=SAME, equal_nan=True) else 1


def _run(
    process: ModelProcess, interface: Interface, pixels: npt.NDArray[np.float32], step: int, classes: int
) -> npt.NDArray[np.float32]:
    """Return the scores for scaled pixels (n, h, w[, 3]).

    Raises
    ------
    ModelError
        If the model fails on these pixels, or does not give `classes` scores for each image.
    """
    parts = []
    for start in range(0, len(pixels), REQUEST):
        part = pixels[start : start + REQUEST]
        try:
            raw = process.run(interface.tensor(part), step)
        except ValueError as error:
            raise ModelError(f"The interpreter cannot run it on {interface.input}: {error}.") from error
        if raw.shape[:1] != (len(part),) or raw.size != len(part) * classes:
            raise ModelError(
                f"The model gives {counted(len(part), 'image')} an output of shape {raw.shape}, but {classes} scores "
                "for each are needed. Give images of its classes."
            )
        parts.append(interface.scores(raw))
    return np.concatenate(parts) if parts else np.empty((0, classes), np.float32)

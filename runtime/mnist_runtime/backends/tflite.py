"""The backends for ``.tflite`` files: LiteRT and its predecessor tflite-runtime, which has the same interface."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from mnist_runtime.backends.base import IMAGE, Backend, QuantParams, in_words
from mnist_runtime.errors import ArtifactError, first_line
from mnist_runtime.system.process import quiet_stderr

__all__ = ["load_litert", "load_tflite_runtime"]


class TFLiteBackend:
    """A TFLite interpreter on one thread: a digit takes less time than waking a second thread."""

    def __init__(self, interpreter: Any) -> None:
        self._interpreter = interpreter
        self._input = interpreter.get_input_details()[0]
        self._output = interpreter.get_output_details()[0]
        self._input_index, self._output_index = self._input["index"], self._output["index"]
        self._batch = 0  # the first run allocates the tensors

    @property
    def input_dtype(self) -> np.dtype[Any]:
        """Type of the model's input."""
        return np.dtype(self._input["dtype"])

    @property
    def output(self) -> QuantParams | None:
        """See `Backend.output`."""
        scale, zero_point = self._output["quantization"]
        return QuantParams(float(scale), int(zero_point), np.dtype(self._output["dtype"]).name) if scale else None

    def run(self, pixels: npt.NDArray[Any]) -> npt.NDArray[Any]:
        """See `Backend.run`."""
        if len(pixels) != self._batch:
            self._interpreter.resize_tensor_input(self._input_index, pixels.shape)
            self._interpreter.allocate_tensors()
            self._batch = len(pixels)
        self._interpreter.set_tensor(self._input_index, pixels)
        self._interpreter.invoke()
        scores: npt.NDArray[Any] = self._interpreter.get_tensor(self._output_index)
        return scores


def load_litert(content: bytes, shape: tuple[int, ...] = IMAGE) -> Backend:
    """Load a ``.tflite`` file for images of `shape` into LiteRT (``ai-edge-litert``)."""
    with quiet_stderr():
        from ai_edge_litert.interpreter import Interpreter

        return _load(Interpreter, content, shape)


def load_tflite_runtime(content: bytes, shape: tuple[int, ...] = IMAGE) -> Backend:
    """Load a ``.tflite`` file for images of `shape` into tflite-runtime."""
    with quiet_stderr():
        from tflite_runtime.interpreter import Interpreter

        return _load(Interpreter, content, shape)


def _load(interpreter: Any, content: bytes, shape: tuple[int, ...]) -> Backend:
    try:
        backend = TFLiteBackend(interpreter(model_content=content, num_threads=1))
        backend.run(np.zeros((1, *shape), backend.input_dtype))
    except (ValueError, RuntimeError) as error:
        raise ArtifactError(
            f"The interpreter cannot run the file on images {in_words(shape)}: {first_line(error)}. "
            "Update the interpreter, or export the model again."
        ) from error
    return backend

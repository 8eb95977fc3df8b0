"""The backend for ``.onnx`` files: onnxruntime."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from mnist_runtime.backends.base import IMAGE, Backend, QuantParams, in_words
from mnist_runtime.errors import ArtifactError, first_line, raise_machine_failure
from mnist_runtime.system.process import quiet_stderr

__all__ = ["load_onnxruntime", "open_session"]


TYPES: dict[str, Any] = {"tensor(float)": np.float32, "tensor(int8)": np.int8}
"""Input type in onnxruntime -> type for NumPy; others are uint8."""


class ONNXBackend:
    """An onnxruntime session on one thread: a digit takes less time than waking a second thread."""

    output: QuantParams | None = None  # exported ONNX files return real scores

    def __init__(self, session: Any, options: Any) -> None:
        self._session = session
        self._input = session.get_inputs()[0].name
        self._outputs = [session.get_outputs()[0].name]
        self._options = options

    def run(self, pixels: npt.NDArray[Any]) -> npt.NDArray[Any]:
        """See `Backend.run`."""
        # A run takes 15 microseconds; giving output names and run options saves 0.5 each.
        scores: npt.NDArray[Any] = self._session.run(self._outputs, {self._input: pixels}, self._options)[0]
        return scores


def open_session(content: bytes) -> Any:
    """Return an `onnxruntime.InferenceSession` with one thread, no log and exact sums of int8 products.

    On x86 without VNNI, sums saturate at 16 bits unless an option is set. With it, a model that uses int8 weights twice
    cannot be loaded ("exists"). Such a model is computed in float32.
    """
    import onnxruntime

    def opened(*, in_float: bool) -> Any:
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = options.inter_op_num_threads = 1
        options.log_severity_level = 4
        if in_float:
            options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_ENABLE_BASIC
        else:
            options.add_session_config_entry("session.x64quantprecision", "1")
        return onnxruntime.InferenceSession(content, options, providers=["CPUExecutionProvider"])

    try:
        return opened(in_float=False)
    except Exception as error:  # onnxruntime's exceptions have no narrower base
        if " exist" not in str(error):
            raise
        return opened(in_float=True)


def load_onnxruntime(content: bytes, shape: tuple[int, ...] = IMAGE) -> Backend:
    """Load an ``.onnx`` file for images of `shape` into onnxruntime."""
    with quiet_stderr():
        import onnxruntime

        try:
            session = open_session(content)
            backend = ONNXBackend(session, onnxruntime.RunOptions())
            backend.run(np.zeros((1, *shape), TYPES.get(session.get_inputs()[0].type, np.uint8)))
        except Exception as error:  # onnxruntime's exceptions have no narrower base
            raise_machine_failure(error)
            raise ArtifactError(
                f"onnxruntime cannot run the file on images {in_words(shape)}: {first_line(error)}. "
                "Update onnxruntime, or export the model again."
            ) from error
    return backend

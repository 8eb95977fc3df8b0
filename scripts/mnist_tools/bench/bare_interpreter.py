"""Call an interpreter directly, without `mnist_runtime`: the baseline of ``scripts/tool bench runtime``.

``python bare_interpreter.py BACKEND FILE PICTURE`` is the shortest program that classifies a picture. It only resizes
and inverts the picture. For right answers, a picture needs more preparation.
"""

import sys
from collections.abc import Callable
from typing import Any

import numpy as np
import numpy.typing as npt

__all__ = ["load"]

Run = Callable[[npt.NDArray[np.uint8]], npt.NDArray[Any]]


def _tflite(interpreter: Any, batch: int) -> Run:
    """Return a function that runs `batch` images through a TFLite interpreter of either package."""
    source, target = interpreter.get_input_details()[0]["index"], interpreter.get_output_details()[0]["index"]
    interpreter.resize_tensor_input(source, (batch, 28, 28, 1))
    interpreter.allocate_tensors()

    def run(images: npt.NDArray[np.uint8]) -> npt.NDArray[Any]:
        interpreter.set_tensor(source, images)
        interpreter.invoke()
        scores: npt.NDArray[Any] = interpreter.get_tensor(target)
        return scores

    return run


def _litert(path: str, batch: int) -> Run:
    from ai_edge_litert.interpreter import Interpreter

    return _tflite(Interpreter(model_path=path, num_threads=1), batch)


def _tflite_runtime(path: str, batch: int) -> Run:
    from tflite_runtime.interpreter import Interpreter

    return _tflite(Interpreter(model_path=path, num_threads=1), batch)


def _onnxruntime(path: str, _: int) -> Run:
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    options.add_session_config_entry("session.x64quantprecision", "1")  # exact integers, as in the runtime
    session = onnxruntime.InferenceSession(path, options, providers=["CPUExecutionProvider"])
    source, target = session.get_inputs()[0].name, [session.get_outputs()[0].name]

    def run(images: npt.NDArray[np.uint8]) -> npt.NDArray[Any]:
        scores: npt.NDArray[Any] = session.run(target, {source: images})[0]
        return scores

    return run


LOADERS: dict[str, Callable[[str, int], Run]] = {
    "litert": _litert,
    "tflite-runtime": _tflite_runtime,
    "onnxruntime": _onnxruntime,
    "numpy": _litert,
}
"""Backend of mnist-runtime -> loader of its interpreter. The NumPy backend is compared with LiteRT."""


def load(backend: str, path: str, batch: int = 1) -> Run:
    """Load a file into an interpreter that uses one thread.

    Returns
    -------
    callable
        Function of uint8 images of shape ``(batch, 28, 28, 1)``, to the scores.
    """
    return LOADERS[backend](path, batch)


if __name__ == "__main__":
    from PIL import Image

    gray = np.asarray(Image.open(sys.argv[3]).convert("L").resize((28, 28)), np.uint8)
    print(load(sys.argv[1], sys.argv[2])(np.invert(gray)[None, :, :, None]).argmax())

"""`load`: an interpreter called directly, as the shortest program would; scripts/bench-runtime measures against it.

As a program it is the shortest that shows a picture to a model: `bare_interpreter.py NAME FILE PICTURE`. It does not
prepare the picture, as a right answer would take.
"""

import sys
from collections.abc import Callable
from typing import Any

import numpy as np
import numpy.typing as npt

Run = Callable[[npt.NDArray[np.uint8]], npt.NDArray[Any]]


def tflite(interpreter: Any, batch: int) -> Run:
    """Return what runs `batch` images through a TFLite interpreter, of whichever package."""
    given, taken = interpreter.get_input_details()[0]["index"], interpreter.get_output_details()[0]["index"]
    interpreter.resize_tensor_input(given, (batch, 28, 28, 1))
    interpreter.allocate_tensors()

    def run(images: npt.NDArray[np.uint8]) -> npt.NDArray[Any]:
        interpreter.set_tensor(given, images)
        interpreter.invoke()
        scores: npt.NDArray[Any] = interpreter.get_tensor(taken)
        return scores

    return run


def litert(path: str, batch: int) -> Run:
    """Load a file into LiteRT."""
    from ai_edge_litert.interpreter import Interpreter

    return tflite(Interpreter(model_path=path, num_threads=1), batch)


def tflite_runtime(path: str, batch: int) -> Run:
    """Load a file into tflite-runtime."""
    from tflite_runtime.interpreter import Interpreter

    return tflite(Interpreter(model_path=path, num_threads=1), batch)


def onnxruntime(path: str, _: int) -> Run:
    """Load a file into onnxruntime, which takes any number of images."""
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    session = onnxruntime.InferenceSession(path, options, providers=["CPUExecutionProvider"])
    given, taken = session.get_inputs()[0].name, [session.get_outputs()[0].name]
    return lambda images: session.run(taken, {given: images})[0]


LOADERS = {"litert": litert, "tflite-runtime": tflite_runtime, "onnxruntime": onnxruntime, "numpy": litert}
"""By backend of mnist-runtime. Its NumPy backend stands in for LiteRT, and is measured against it."""


def load(backend: str, path: str, batch: int = 1) -> Run:
    """Return what runs `batch` images ``(batch, 28, 28, 1)`` through the interpreter, on one thread."""
    return LOADERS[backend](path, batch)


if __name__ == "__main__":
    from PIL import Image

    grey = np.asarray(Image.open(sys.argv[3]).convert("L").resize((28, 28)))
    print(load(sys.argv[1], sys.argv[2])(255 - grey[None, :, :, None]).argmax())

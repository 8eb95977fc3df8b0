"""Run one interpreter on one file, in a process of its own: two TFLite interpreters cannot share one.

``python -m mnist_tools.studies.interpreter_probe NAME FILE IMAGES SCORES [PIXEL_SCALE]`` reads uint8 images
``(n, 28, 28)`` from a ``.npy`` file and writes the scores. Without a scale, the model must take raw pixels, and integer
scores are written as they are, in batches of 256. With a scale, each image is scaled and quantized as the model's input
requires, one at a time; real scores are written, and the types of input and output are printed as JSON.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

__all__ = ["INTERPRETERS", "integer_scores", "main", "real_scores"]

Array = npt.NDArray[Any]

BATCH = 256


class _NumpyInterpreter:
    """The runtime's NumPy kernels behind the part of the TFLite interface that `integer_scores` uses."""

    def __init__(self, content: bytes) -> None:
        from mnist_runtime.backends.numpy_int8 import load_numpy

        self._backend = load_numpy(content)

    def integer_scores(self, images: Array) -> Array:
        """Return the scores of images ``(n, 28, 28, 1)``."""
        return self._backend.run(images)


def _litert(resolver: str) -> Callable[[bytes], Any]:
    def load(content: bytes) -> Any:
        from ai_edge_litert.interpreter import Interpreter, OpResolverType

        kind = getattr(OpResolverType, resolver)
        return Interpreter(model_content=content, num_threads=1, experimental_op_resolver_type=kind)

    return load


def _tflite_runtime(content: bytes) -> Any:
    from tflite_runtime.interpreter import Interpreter

    return Interpreter(model_content=content, num_threads=1)


INTERPRETERS: dict[str, Callable[[bytes], Any]] = {
    "numpy": _NumpyInterpreter,
    "litert-reference": _litert("BUILTIN_REF"),
    "litert": _litert("AUTO"),
    "litert-without-xnnpack": _litert("BUILTIN_WITHOUT_DEFAULT_DELEGATES"),
    "tflite-runtime": _tflite_runtime,
}
"""Name -> loader. ``litert-reference`` uses LiteRT's slow reference kernels; ``numpy`` gives integer scores only."""


def integer_scores(interpreter: Any, images: Array) -> Array:
    """Return the quantized scores of images ``(n, 28, 28)``, computed in batches."""
    batches = [images[start : start + BATCH, :, :, None] for start in range(0, len(images), BATCH)]
    if isinstance(interpreter, _NumpyInterpreter):
        return np.concatenate([interpreter.integer_scores(batch) for batch in batches])
    (source,), (target,) = interpreter.get_input_details(), interpreter.get_output_details()
    scores = []
    for batch in batches:
        interpreter.resize_tensor_input(source["index"], batch.shape)
        interpreter.allocate_tensors()
        interpreter.set_tensor(source["index"], batch)
        interpreter.invoke()
        scores.append(interpreter.get_tensor(target["index"]))
    return np.concatenate(scores)


def real_scores(interpreter: Any, images: Array, scale: float) -> tuple[Array, dict[str, list[Any]]]:
    """Return the dequantized scores of images ``(n, 28, 28)`` and the types of input and output.

    Parameters
    ----------
    interpreter : object
        A TFLite interpreter.
    images : ndarray of shape (n, 28, 28), dtype uint8
        Raw pixels.
    scale : float
        Factor from raw pixels to the range that the Keras model was trained on.

    Returns
    -------
    scores : ndarray of shape (n, 10), dtype float32
    types : dict
        ``input`` and ``output`` -> name of the dtype, scale and zero point.
    """
    interpreter.allocate_tensors()
    (source,), (target,) = interpreter.get_input_details(), interpreter.get_output_details()
    step, zero = source["quantization"]

    def quantized(pixels: Array) -> Array:
        if source["dtype"] == np.uint8 and not step:
            return pixels
        real: Array = pixels * np.float32(scale)
        if not step:
            return real
        limits = np.iinfo(source["dtype"])
        fitted: Array = np.clip(np.rint(real / step) + zero, limits.min, limits.max).astype(source["dtype"])
        return fitted

    found = []
    for pixels in images:
        interpreter.set_tensor(source["index"], quantized(pixels.reshape(1, 28, 28, 1)))
        interpreter.invoke()
        found.append(interpreter.get_tensor(target["index"])[0])
    scores = np.array(found)
    step, zero = target["quantization"]
    if step:
        scores = (scores.astype(np.float32) - zero) * np.float32(step)
    ends = {"input": source, "output": target}
    types = {name: [np.dtype(end["dtype"]).name, *map(float, end["quantization"])] for name, end in ends.items()}
    return scores, types


def main(name: str, file: str, images: str, scores: str, scale: str | None = None) -> None:
    """Run the interpreter `name` and write the scores; see the module's description for the arguments."""
    interpreter = INTERPRETERS[name](Path(file).read_bytes())
    if scale is None:
        np.save(scores, integer_scores(interpreter, np.load(images)))
        return
    found, types = real_scores(interpreter, np.load(images), float(scale))
    np.save(scores, found)
    print(json.dumps(types))


if __name__ == "__main__":
    main(*sys.argv[1:])

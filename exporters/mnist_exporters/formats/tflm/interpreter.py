"""Run models in TensorFlow Lite Micro, and measure the memory that they need there."""

from __future__ import annotations

import importlib.util
import re
import subprocess
import sys
from typing import Any

import numpy as np
import numpy.typing as npt

from mnist_exporters.errors import OperatorError, missing_packages
from mnist_exporters.spec.format import FORMATS
from mnist_runtime import QuantParams

__all__ = ["ALIGNMENT", "MicroInterpreter", "arena_bytes_needed"]

ALIGNMENT = 16
"""Alignment of model and arena in bytes. FlatBuffers and kernels with 16-byte loads need it."""

LARGEST_ARENA = 2**26
"""Size in bytes of the arena that is used to measure how much memory a model needs."""


class MicroInterpreter:
    """A `mnist_runtime.Backend` that runs a model in TensorFlow Lite Micro, one image at a time.

    Parameters
    ----------
    model : bytes
        A ``.tflite`` model.
    arena_bytes : int
        Size in bytes of the arena, which is the interpreter's working memory.

    Raises
    ------
    RuntimeError
        If the arena is too small.
    """

    def __init__(self, model: bytes, arena_bytes: int) -> None:
        from tflite_micro.python.tflite_micro import runtime  # an optional extra

        self._interpreter = runtime.Interpreter.from_bytes(model, arena_size=arena_bytes)
        details = self._interpreter.get_output_details(0)
        scale, zero_point = (details["quantization_parameters"][key][0] for key in ("scales", "zero_points"))
        self.output = QuantParams(float(scale), int(zero_point), np.dtype(details["dtype"]).name)

    def run(self, pixels: npt.NDArray[Any]) -> npt.NDArray[Any]:
        """See `mnist_runtime.Backend.run`."""
        scores = []
        for pixel in pixels:
            self._interpreter.set_input(pixel[None], 0)
            self._interpreter.invoke()
            scores.append(self._interpreter.get_output(0)[0])
        return np.array(scores)


def arena_bytes_needed(model: bytes) -> int:
    """Return the arena size in bytes that `model` needs, a multiple of `ALIGNMENT`.

    It is measured in a separate process, because TensorFlow Lite Micro can crash on a model that it does not support.

    Raises
    ------
    OperatorError
        If TensorFlow Lite Micro cannot run the model.
    MissingPackageError
        If it is not installed.
    """
    if importlib.util.find_spec("tflite_micro") is None:
        raise missing_packages("A TFLM export", {"tflite-micro": FORMATS["tflm"].extra})
    done = _probe(model, LARGEST_ARENA)
    found = re.search(rb"Arena allocation total (\d+) bytes", done.stdout + done.stderr)
    if done.returncode != 0 or not found:
        text = done.stderr.decode(errors="replace")
        operators = tuple(dict.fromkeys(re.findall(r"builtin opcode '(\w+)'", text)))
        reason = f": it has no {', '.join(operators)}" if operators else ""
        raise OperatorError(
            f"TensorFlow Lite Micro cannot run this model{reason}. Export it to another format.", operators
        )
    size = int(found[1])
    # Memory planning needs memory too. With many operators, it needs more than inference.
    while size < LARGEST_ARENA and _probe(model, _aligned(size)).returncode != 0:
        size += size // 8
    return _aligned(size)


def _aligned(size: int) -> int:
    return -(-size // ALIGNMENT) * ALIGNMENT


def _probe(model: bytes, arena_bytes: int) -> subprocess.CompletedProcess[bytes]:
    # -P: do not import modules from the current folder.
    command = [sys.executable, "-P", "-m", "mnist_exporters.formats.tflm._probe", str(arena_bytes)]
    return subprocess.run(command, input=model, capture_output=True, check=False)

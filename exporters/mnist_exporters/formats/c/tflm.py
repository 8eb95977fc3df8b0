"""tflm."""

from __future__ import annotations

import importlib.util
import re
import subprocess
import sys
from typing import Any

import numpy as np
import numpy.typing as npt

from mnist_exporters.errors import MissingPackageError
from mnist_runtime import ArtifactError, QuantParams

ALIGNMENT = 16
"""Bytes; FlatBuffers' own need, and that of kernels that load 16 bytes at once."""


ASK_FOR_ARENA = """
import sys
from tflite_micro.python.tflite_micro import runtime
runtime.Interpreter.from_bytes(sys.stdin.buffer.read(), arena_size=2**26).print_allocations()
"""


class MicroInterpreter:
    """TensorFlow Lite Micro with one model, in an arena of `arena_bytes`; a `Backend` for one image at a time.

    Raises
    ------
    RuntimeError
        If the arena is too small.
    """

    def __init__(self, model: bytes, arena_bytes: int) -> None:
        from tflite_micro.python.tflite_micro import runtime

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
    """Ask the interpreter, in a process of its own, since on a model that it cannot run it may crash.

    Raises
    ------
    ArtifactError
        If it cannot run the model.
    MissingPackageError
        If it is not installed.
    """
    if importlib.util.find_spec("tflite_micro") is None:
        raise MissingPackageError(
            "Expected tflite-micro, which C exports need, it is not installed: pip install 'mnist-edge-export[micro]'."
        )
    done = subprocess.run([sys.executable, "-P", "-c", ASK_FOR_ARENA], input=model, capture_output=True, check=False)
    found = re.search(rb"Arena allocation total (\d+) bytes", done.stdout + done.stderr)
    if done.returncode != 0 or not found:
        reason = next(iter(done.stderr.decode(errors="replace").strip().splitlines()), "it crashed")
        raise ArtifactError(f"Expected a model that TensorFlow Lite Micro can run, it refused ({reason}).")
    return -(-int(found[1]) // ALIGNMENT) * ALIGNMENT

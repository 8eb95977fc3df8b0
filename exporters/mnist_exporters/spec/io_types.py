"""`IoTypes`: the input and output types that an exported file can have."""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["BYTES", "FLOAT", "INT8", "INT16", "MICRO", "WIDE", "IoTypes"]


@dataclass(frozen=True)
class IoTypes:
    """The input and output types that a user can choose; the first of each is the default.

    Parameters
    ----------
    inputs : tuple of str
        NumPy type names: ``"uint8"`` is the raw pixel, ``"int8"`` the pixel minus 128, ``"float32"`` the pixel scaled
        to the range that the original was trained on.
    outputs : tuple of str
        Types of the scores. An integer stands for ``scale * (integer - zero_point)``.
    """

    inputs: tuple[str, ...]
    outputs: tuple[str, ...]

    def __str__(self) -> str:
        return f"{' or '.join(self.inputs)} in, {' or '.join(self.outputs)} out"


FLOAT = IoTypes(("uint8",), ("float32",))
INT8 = IoTypes(("uint8", "int8", "float32"), ("uint8", "int8", "float32"))
BYTES = IoTypes(("uint8",), ("uint8",))
# tflite-runtime 2.14 cannot requantize between 8 and 16 bits, so the outputs are those that the converter can make.
# float32 is the default because LiteRT's CompiledModel and LiteRT.js have no int16 buffers.
INT16 = IoTypes(("uint8", "int8", "float32"), ("float32", "int16"))
# Code for microcontrollers uses int8, as the examples of TensorFlow Lite Micro do.
MICRO = IoTypes(("int8",), ("int8",))
# The engine of the format c computes without floats, and takes only raw pixels.
WIDE = IoTypes(("uint8",), ("int16",))

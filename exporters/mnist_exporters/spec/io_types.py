"""`Interface`: the types that a file may take pixels in and give scores in."""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["BYTES", "FLOAT", "INT8", "INT16", "MICRO", "Interface"]


@dataclass(frozen=True)
class Interface:
    """What a user may choose between; the first of each is what a file has unless asked otherwise.

    Parameters
    ----------
    inputs : tuple of str
        NumPy's names: ``"uint8"`` takes the raw pixel, ``"int8"`` the pixel less 128, ``"float32"`` the pixel scaled to
        the range that the original was trained on.
    outputs : tuple of str
        Of the scores; integers stand for ``scale * (integer - zero point)``.
    """

    inputs: tuple[str, ...]
    outputs: tuple[str, ...]

    def __str__(self) -> str:
        return f"{' or '.join(self.inputs)} in, {' or '.join(self.outputs)} out"


FLOAT = Interface(("uint8",), ("float32",))
INT8 = Interface(("uint8", "int8", "float32"), ("uint8", "int8", "float32"))
# tflite-runtime 2.14 can requantise to neither 16 bits nor back, so that the ends are what the converter knows.
BYTES = Interface(("uint8",), ("uint8",))
INT16 = Interface(("uint8", "int8", "float32"), ("int16", "float32"))
# Microcontroller code, TensorFlow Lite Micro's examples included, deals in int8.
MICRO = Interface(("int8",), ("int8",))

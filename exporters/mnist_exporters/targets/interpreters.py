"""`Interpreter`: something that runs models on a device, and what it can load; the table of them."""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import cache
from importlib import resources
from typing import Any

from mnist_exporters.formats.contents import Contents
from mnist_runtime import __version__
from mnist_runtime.backends.numpy_int8.operators import OPERATORS

__all__ = ["INTERPRETERS", "Interpreter", "loads_on"]


@dataclass(frozen=True)
class Interpreter:
    """One row of `INTERPRETERS`.

    Parameters
    ----------
    formats : tuple of str
        Rows of `FORMATS` that it runs.
    since : str
        The oldest release it was measured with, as people write it; later ones know more, never less.
    activations : tuple of str, optional
        Types in which it can compute; without it, all that the operators' versions allow.
    lacks : tuple of (str, str), optional
        Operator and type of weights that it refuses although it knows the operator's version.
    """

    formats: tuple[str, ...]
    since: str
    activations: tuple[str, ...] = ()
    lacks: tuple[tuple[str, str], ...] = ()

    def unsupported_reason(self, contents: Contents) -> str | None:
        """Say in a few words why it cannot load a model of such `contents`; None if it can."""
        name = next(name for name, row in INTERPRETERS.items() if row is self)
        if contents.format not in self.formats:
            return f"{name} does not run {contents.format} files"
        known = _known()[name]
        if contents.format == "onnx":
            wanted = {"opset": contents.opset, "ir_version": contents.ir_version}
            newer = [f"{key} {value}" for key, value in wanted.items() if (value or 0) > known[key]]
        else:
            newer = [
                f"{operator} version {version}"
                for operator, version in contents.operators.items()
                if version > known["operators"].get(operator, 0)
            ]
        if newer or contents.foreign:
            return f"{name} {known['version']} does not know {', '.join((*newer, *contents.foreign))}"
        if self.activations and (others := set(contents.activations) - set(self.activations)):
            return f"{name} computes in {' or '.join(self.activations)} only, not in {', '.join(sorted(others))}"
        for operator, dtype in self.lacks:
            if dtype in contents.weight_types.get(operator, ()):
                return f"{name} {known['version']} has no {operator} with {dtype} weights"
        return None


NO_INT4_DENSE = (("FULLY_CONNECTED", "int4"),)
NO_INT4 = (*NO_INT4_DENSE, ("CONV_2D", "int4"), ("DEPTHWISE_CONV_2D", "int4"))

INTERPRETERS: dict[str, Interpreter] = {
    "litert": Interpreter(("tflite",), "LiteRT 2.1"),
    "tflite-runtime": Interpreter(("tflite",), "tflite-runtime 2.14", lacks=NO_INT4_DENSE),
    "onnxruntime": Interpreter(("onnx",), "onnxruntime 1.16"),
    # Measured: it refuses or fails on the ready models in float32, float16 and dynamic.
    "tflite-micro": Interpreter(("tflite", "c"), "TFLM", activations=("int8", "int16"), lacks=NO_INT4_DENSE),
    "numpy": Interpreter(("tflite",), "mnist-runtime's NumPy", activations=("int8",), lacks=NO_INT4),
}
"""Name -> interpreter. Which operators each knows was asked of it: scripts/measure-interpreters; numpy is our own."""


def loads_on(contents: Contents) -> tuple[str, ...]:
    """Return the names of the interpreters that can load a model of such `contents`."""
    return tuple(name for name, row in INTERPRETERS.items() if row.unsupported_reason(contents) is None)


@cache
def _known() -> dict[str, Any]:
    text = (resources.files("mnist_exporters") / "targets" / "interpreters.json").read_text()
    operators = {name: row.version for name, row in OPERATORS.items()}
    known: dict[str, Any] = json.loads(text)
    return known | {"numpy": {"version": __version__, "operators": operators}}

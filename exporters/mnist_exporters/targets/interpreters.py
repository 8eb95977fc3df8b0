"""`INTERPRETERS`: the programs that run models on devices, and the models that each can load."""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import cache
from importlib import resources
from typing import Any

from mnist_exporters.formats.contents import Contents
from mnist_exporters.spec.format import FORMATS
from mnist_runtime import BACKENDS, __version__
from mnist_runtime.backends.numpy_int8.backend import OPERATORS

__all__ = ["INTERPRETERS", "Interpreter", "loads_on", "measured"]


@dataclass(frozen=True)
class Interpreter:
    """One row of `INTERPRETERS`.

    Parameters
    ----------
    name : str
        Key in `INTERPRETERS`.
    since : str
        Name and oldest measured release, for reports. Later releases support at least the same.
    also_runs : tuple of str
        Formats besides those that `formats` derives from other tables.
    activations : tuple of str
        Activation types that it supports; empty if the operator versions alone decide.
    lacks : tuple of (str, str)
        Pairs of operator and weight type that it rejects although it supports the operator's version.
    runs_engines : bool
        Whether it compiles or runs files that contain their inference engine, which need no other support.
    """

    name: str
    since: str
    also_runs: tuple[str, ...] = ()
    activations: tuple[str, ...] = ()
    lacks: tuple[tuple[str, str], ...] = ()
    runs_engines: bool = False

    @property
    def formats(self) -> tuple[str, ...]:
        """Keys of `FORMATS` that it runs: that of its backend, formats that are checked with it, and `also_runs`."""
        backend = BACKENDS.get(self.name)
        package, backend_formats = (backend.package, [backend.format]) if backend else (self.name, [])
        checked = [name for name, row in FORMATS.items() if row.packages[-1] == package and not row.has_engine]
        return tuple(dict.fromkeys([*backend_formats, *checked, *self.also_runs]))

    def unsupported_reason(self, contents: Contents) -> str | None:
        """Return why it cannot load a model, or None if it can."""
        if contents.format not in self.formats:
            return f"{self.name} does not run {contents.format} files"
        return None if self.runs_engines else self._lacking(contents)

    def _lacking(self, contents: Contents) -> str | None:
        """Return what the interpreter lacks for a model of a format that it runs; None if it lacks nothing."""
        if self.name not in measured():
            return f"{self.name} has not been measured; run scripts/measure-interpreters"
        supported, needed = measured()[self.name], contents.requirements()
        limits = ("opset", "ir_version")
        newer = [f"{limit} {needed[limit]}" for limit in limits if needed.get(limit, 0) > supported.get(limit, 0)]
        newer += [
            f"{operator} version {version}"
            for operator, version in needed.get("operators", {}).items()
            if version > supported.get("operators", {}).get(operator, 0)
        ]
        if newer or contents.foreign:
            subject = "the backend numpy of mnist-runtime" if self.name == "numpy" else self.name
            return f"{subject} {supported['version']} does not support {', '.join((*newer, *contents.foreign))}"
        if self.activations and (others := set(contents.activations) - set(self.activations)):
            return f"{self.name} computes in {' or '.join(self.activations)} only, not in {', '.join(sorted(others))}"
        for operator, dtype in self.lacks:
            if dtype in contents.weight_types.get(operator, ()):
                return f"{self.name} {supported['version']} has no {operator} with {dtype} weights"
        return None


NO_INT4_DENSE = (("FULLY_CONNECTED", "int4"),)
NO_INT4 = (*NO_INT4_DENSE, ("CONV_2D", "int4"), ("DEPTHWISE_CONV_2D", "int4"))

ROWS = (
    Interpreter("litert", "LiteRT 2.1"),
    Interpreter("tflite-runtime", "tflite-runtime 2.14", lacks=NO_INT4_DENSE),
    Interpreter("onnxruntime", "onnxruntime 1.16"),
    # Measured: it rejects or fails on the ready models in float32, float16 and dynamic.
    Interpreter("tflite-micro", "TFLM", ("tflite",), activations=("int8", "int16"), lacks=NO_INT4_DENSE),
    Interpreter("c", "any C99 compiler", ("c",), runs_engines=True),
    Interpreter("browser", "any browser since 2023", ("web",), runs_engines=True),
    Interpreter("numpy", "mnist-runtime's NumPy", activations=("int8",), lacks=NO_INT4),
)

INTERPRETERS: dict[str, Interpreter] = {
    **{row.name: row for row in ROWS},
    **{name: Interpreter(name, name) for name in BACKENDS if name not in {row.name for row in ROWS}},
}
"""Name -> interpreter: `ROWS`, and all other backends of mnist-runtime. `measured` tells what each supports."""


def loads_on(contents: Contents) -> tuple[str, ...]:
    """Return the names of the interpreters that can load a model."""
    return tuple(name for name, row in INTERPRETERS.items() if row.unsupported_reason(contents) is None)


@cache
def measured() -> dict[str, dict[str, Any]]:
    """Return what each interpreter supports: operator versions, or opset and IR version.

    scripts/measure-interpreters writes these measurements to ``interpreters.json``. Only the entry for the NumPy
    backend of mnist-runtime comes from its code.
    """
    text = (resources.files("mnist_exporters") / "targets" / "interpreters.json").read_text("utf-8")
    numpy_operators = {name: row.version for name, row in OPERATORS.items()}
    known: dict[str, dict[str, Any]] = json.loads(text)
    return known | {"numpy": {"version": __version__, "operators": numpy_operators}}

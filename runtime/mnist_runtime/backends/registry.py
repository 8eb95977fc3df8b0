"""`BACKENDS`: the table of interpreters, and the choice among those that work here."""

from __future__ import annotations

import importlib
import importlib.util
import platform
import sys
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from mnist_runtime.artifact.task import DIGITS
from mnist_runtime.backends import numpy_int8, onnx, tflite
from mnist_runtime.backends.base import Backend
from mnist_runtime.errors import (
    ArtifactError,
    BackendError,
    ToolkitError,
    UsageError,
    first_line,
    install_command,
    raise_machine_failure,
)
from mnist_runtime.system.process import installed_version

__all__ = [
    "BACKENDS",
    "BackendRow",
    "backend_version",
    "choose_backend",
    "load_backend",
    "unsupported_reason",
]

MACHINES_64 = ("x86_64", "amd64", "aarch64", "arm64")


@dataclass(frozen=True)
class BackendRow:
    """Facts about one backend.

    Parameters
    ----------
    format : str
        Format of the files it runs.
    package, module : str
        Name for pip and name for Python's import.
    load : callable
        Function that imports the interpreter, loads the bytes of a file, and tries it on a blank image of the shape.
    extra : str, optional
        Extra of mnist-runtime that installs it; None if mnist-runtime requires it.
    versions : str
        Versions that the extra allows.
    machines : tuple of str
        Machines with wheels, as `platform.machine` in lower case.
    newest_python : (int, int)
        Newest Python with wheels.
    debian_package : str
        Debian's package of it, for `debian_machines`; "" if none is used.
    debian_machines : tuple of str
        Machines without wheels on which the package of Debian 13 runs the files; see docs/results/pi.md.
    clashes : tuple of str
        Modules that make it fail or crash in the same process.
    numpy_below_2 : bool
        Whether it was built for NumPy 1: with NumPy 2 its import succeeds and its first use fails.
    precisions : tuple of str
        Precisions of the files it runs; empty for all.
    alone : tuple of str
        Precisions for which it gets one image at a time: in a batch, its ARM kernels round a dense layer differently,
        so that a score may depend on the processor.
    """

    format: str
    package: str
    module: str
    load: Callable[[bytes, tuple[int, ...]], Backend]
    extra: str | None = None
    versions: str = ""
    machines: tuple[str, ...] = MACHINES_64
    newest_python: tuple[int, int] = (3, 14)
    debian_package: str = ""
    debian_machines: tuple[str, ...] = ()
    clashes: tuple[str, ...] = ()
    numpy_below_2: bool = False
    precisions: tuple[str, ...] = ()
    alone: tuple[str, ...] = ()

    def runs(self, formats: tuple[str, ...], precision: str | None) -> bool:
        """Return whether it runs files of one of `formats` in `precision` (None if unknown)."""
        return self.format in formats and (not self.precisions or precision in self.precisions)

    def no_wheel_reason(
        self, *, machine: str | None = None, python: tuple[int, int] | None = None, is_64_bit: bool | None = None
    ) -> str | None:
        """Return why pip finds no wheel for it; None if pip does, or if mnist-runtime requires it.

        Parameters
        ----------
        machine, python, is_64_bit : optional
            Default: this system. A 32-bit system on a 64-bit kernel reports its machine as ``aarch64``.
        """
        if self.extra is None:
            return None
        here = (machine or platform.machine()).lower()
        if not (sys.maxsize > 2**32 if is_64_bit is None else is_64_bit) and here in MACHINES_64:
            here = "armv7l" if here in ("aarch64", "arm64") else "a 32-bit system"
        if here not in self.machines:
            debian = f", but Debian 13 has {self.debian_package}" if here in self.debian_machines else ""
            return f"no wheel exists for {here}{debian}"
        if (python or sys.version_info[:2]) > self.newest_python:
            return f"no wheel exists above Python {'.'.join(map(str, self.newest_python))}"
        return None

    @property
    def install_command(self) -> str:
        """Command that installs it; "" if mnist-runtime requires it."""
        return install_command(self.extra) if self.extra else ""


BACKENDS: dict[str, BackendRow] = {
    "litert": BackendRow(
        format="tflite",
        package="ai-edge-litert",
        module="ai_edge_litert",
        load=tflite.load_litert,
        extra="litert",
        versions=">=2.1",
        clashes=("tflite_runtime",),
    ),
    "tflite-runtime": BackendRow(
        format="tflite",
        package="tflite-runtime",
        module="tflite_runtime",
        load=tflite.load_tflite_runtime,
        extra="tflite",
        versions="==2.14.0",
        machines=(*MACHINES_64, "armv7l"),
        newest_python=(3, 11),
        clashes=("ai_edge_litert", "tensorflow"),
        numpy_below_2=True,
        alone=("int8", "int4"),
    ),
    "onnxruntime": BackendRow(
        format="onnx",
        package="onnxruntime",
        module="onnxruntime",
        load=onnx.load_onnxruntime,
        extra="onnx",
        versions=">=1.16",
        debian_package="python3-onnxruntime",
        debian_machines=("armv7l",),
    ),
    # Last, because each of the others is several times as fast.
    "numpy": BackendRow(
        format="tflite", package="numpy", module="numpy", load=numpy_int8.load_numpy, precisions=("int8",)
    ),
}
"""Name -> backend, the preferred first; wheels as of November 2026."""


BROKEN: dict[str, str] = {}
"""Backends that failed to start in this process -> the reason."""


def unsupported_reason(name: str, *, in_this_process: bool = True) -> str | None:
    """Return why a backend cannot work, in this process or a new one, and what to do; None if no reason is known.

    A text that ends with a command has no period. The backend is not imported.
    """
    row = BACKENDS[name]
    if name in BROKEN:
        return BROKEN[name]
    if row.extra is not None and importlib.util.find_spec(row.module) is None:
        if why := row.no_wheel_reason():
            return f"{name} is not installed, and {why}."
        return f"{name} is not installed. Install it with: {row.install_command}"
    if row.numpy_below_2 and int(np.__version__.split(".")[0]) >= 2:
        return f"{name} needs NumPy 1, but NumPy {np.__version__} is installed. Run: {row.install_command}"
    for module in row.clashes:
        if in_this_process and module in sys.modules:
            return f"{name} cannot share a process with {module}, which is loaded. Use a separate process."
    return None


def choose_backend(
    formats: tuple[str, ...], wanted: str | None = None, precision: str | None = None, *, in_this_process: bool = True
) -> str:
    """Return the first backend that works here and runs such files, or check the `wanted` one.

    Parameters
    ----------
    formats : tuple of str
        Acceptable formats.
    wanted : str, optional
        The only acceptable backend.
    precision : str, optional
        Precision of the file.
    in_this_process : bool, optional
        Whether it must work beside the modules that this process has loaded.

    Raises
    ------
    ArtifactError
        If no backend runs such files.
    UsageError
        If `wanted` does not run them.
    BackendError
        If none works here.
    """
    candidates = [name for name, row in BACKENDS.items() if row.runs(formats, precision)]
    kind = " ".join(filter(None, (precision, " or ".join(formats))))
    if not candidates:
        raise ArtifactError(f"No backend runs {kind} files. Update mnist-runtime.")
    if wanted is not None:
        if wanted not in candidates:
            raise UsageError(f"The backend {wanted!r} does not run {kind} files. Use {' or '.join(candidates)}.")
        candidates = [wanted]
    reasons = [unsupported_reason(name, in_this_process=in_this_process) for name in candidates]
    for name, reason in zip(candidates, reasons, strict=True):
        if reason is None:
            return name
    start = [] if wanted else [f"No interpreter for {kind} files works here."]
    sentences = [*start, *filter(None, reasons), *_alternative(formats, precision, candidates)]
    text = ". ".join(sentence.removesuffix(".") for sentence in sentences)
    raise BackendError(text + ("." if sentences[-1].endswith(".") else ""))  # a command has no period at its end


def _alternative(formats: tuple[str, ...], precision: str | None, candidates: list[str]) -> list[str]:
    """Return a sentence on what to use if pip can install none of the `candidates` here; else nothing."""
    if not all(BACKENDS[name].no_wheel_reason() for name in candidates):
        return []
    runs = [name for name, row in BACKENDS.items() if row.runs(formats, precision) and not row.no_wheel_reason()]
    if not runs:
        return ["Export the model as an int8 .tflite file, which runs without an interpreter."]
    return [f"Here, this file runs in {' or '.join(runs)}."]


def load_backend(name: str, content: bytes, shape: tuple[int, ...] = DIGITS.tensor_shape) -> Backend:
    """Load a file into a new interpreter. One that does not start (`BackendError`) is not chosen again in this process.

    Parameters
    ----------
    name : str
        A key of `BACKENDS`.
    content : bytes
        The file.
    shape : tuple of int, optional
        Shape of one image in its input.
    """
    try:
        return BACKENDS[name].load(content, shape)
    except ToolkitError:
        raise
    except (ImportError, OSError, SystemError) as error:  # a library for another system, another NumPy
        raise_machine_failure(error)
        BROKEN[name] = f"{name} is installed but does not start ({first_line(error)}). See mnist-runtime doctor."
        raise BackendError(BROKEN[name]) from error


def backend_version(name: str) -> str:
    """Return the installed version of a backend."""
    return installed_version(BACKENDS[name].package, BACKENDS[name].module)

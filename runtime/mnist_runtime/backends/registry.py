"""`Backend`: an interpreter with one model loaded; the table of them; and the choice among those installed."""

from __future__ import annotations

import importlib
import importlib.util
import pkgutil
import sys
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from mnist_runtime.backends.base import Backend
from mnist_runtime.errors import ArtifactError, BackendError, ToolkitError, UsageError, first_line

__all__ = ["BACKENDS", "BackendRow", "choose_backend"]


@dataclass(frozen=True)
class BackendRow:
    """One row of `BACKENDS`.

    Parameters
    ----------
    format : str
        The files it runs.
    package, module : str
        What pip installs and what Python imports.
    extra : str or None
        The extra of mnist-runtime that installs it; None for what mnist-runtime itself brings.
    load : str
        ``"module:attribute"`` of a function from the bytes of a file to a `Backend`.
    clashes : tuple of str
        Modules that, once imported, make this one fail or kill the process.
    numpy_below_2 : bool
        Built against NumPy 1: it imports under NumPy 2 and dies at its first use.
    precisions : tuple of str
        The only precisions whose files it runs; without any it runs them all.
    """

    format: str
    package: str
    module: str
    extra: str | None
    load: str
    clashes: tuple[str, ...] = ()
    numpy_below_2: bool = False
    precisions: tuple[str, ...] = ()

    def runs(self, formats: tuple[str, ...], precision: str | None) -> bool:
        """Say whether it runs files of one of `formats` in `precision`, which is None where it is not known."""
        return self.format in formats and (not self.precisions or precision in self.precisions)


BACKENDS: dict[str, BackendRow] = {
    "litert": BackendRow(
        format="tflite",
        package="ai-edge-litert",
        module="ai_edge_litert",
        extra="litert",
        load="mnist_runtime.backends.tflite:load_litert",
        clashes=("tflite_runtime",),
    ),
    "tflite-runtime": BackendRow(
        format="tflite",
        package="tflite-runtime",
        module="tflite_runtime",
        extra="tflite",
        load="mnist_runtime.backends.tflite:load_tflite_runtime",
        clashes=("ai_edge_litert", "tensorflow"),
        numpy_below_2=True,
    ),
    "onnxruntime": BackendRow(
        format="onnx",
        package="onnxruntime",
        module="onnxruntime",
        extra="onnx",
        load="mnist_runtime.backends.onnx:load_onnxruntime",
    ),
    # Last, for each of the others is several times as fast.
    "numpy": BackendRow(
        format="tflite",
        package="numpy",
        module="numpy",
        extra=None,
        load="mnist_runtime.backends.numpy_int8.backend:load_numpy",
        precisions=("int8",),
    ),
}
"""Name -> interpreter, the first choice first. A new one is one module and one row."""


BROKEN: dict[str, str] = {}
"""Backends that were found not to start in this process, with the reason."""


def unsupported_reason(name: str) -> str | None:
    """Say in a sentence why the backend `name` cannot work in this process, with the cure; None if nothing is known.

    Nothing is imported to find out.
    """
    row = BACKENDS[name]
    if name in BROKEN:
        return BROKEN[name]
    if row.extra is not None and importlib.util.find_spec(row.module) is None:
        return f"{name} is not installed: pip install 'mnist-runtime[{row.extra}]'."
    if row.numpy_below_2 and int(np.__version__.split(".")[0]) >= 2:
        return f"{name} was built for NumPy 1 and fails on NumPy {np.__version__}: pip install 'numpy<2'."
    for module in row.clashes:
        if module in sys.modules:
            return f"{name} cannot share a process with {module}, which is loaded: use it in a process of its own."
    return None


def choose_backend(formats: tuple[str, ...], wanted: str | None = None, precision: str | None = None) -> str:
    """Return the name of the first backend that runs one of `formats` and works here, or of the one `wanted`.

    A backend that runs some precisions only is chosen only where `precision` is one of them.

    Raises
    ------
    ArtifactError
        If no backend of this version runs such files.
    UsageError
        If `wanted` is not in the table or does not run any of `formats`.
    BackendError
        If it, or every candidate, cannot work here; the message names the cure.
    """
    candidates = [name for name, row in BACKENDS.items() if row.runs(formats, precision)]
    if not candidates:
        raise ArtifactError(f"Expected a tflite or onnx file, received {' or '.join(formats)}; update mnist-runtime.")
    kind = " ".join(filter(None, (precision, " or ".join(formats))))
    if wanted is not None:
        if wanted not in candidates:
            raise UsageError(
                f"Expected a backend that runs {kind} files ({', '.join(candidates)}), received {wanted!r}."
            )
        candidates = [wanted]
    obstacles = [unsupported_reason(name) for name in candidates]
    for name, reason in zip(candidates, obstacles, strict=True):
        if reason is None:
            return name
    raise BackendError(f"Expected an interpreter for {kind} files. " + " ".join(filter(None, obstacles)))


def load_backend(name: str, content: bytes) -> Backend:
    """Load the file `content` into a new interpreter of the backend `name`.

    Raises
    ------
    ArtifactError
        If the interpreter refuses the file.
    BackendError
        If the interpreter is installed but does not start; it is then not chosen again in this process.
    """
    load: Callable[[bytes], Backend] = pkgutil.resolve_name(BACKENDS[name].load)
    try:
        return load(content)
    except ToolkitError:
        raise
    except (ImportError, OSError, SystemError) as error:  # a library for another system, another NumPy
        reason = first_line(error)
        BROKEN[name] = f"{name} is installed but does not start ({reason}): see mnist-runtime doctor."
        raise BackendError(BROKEN[name]) from error


def backend_version(name: str) -> str:
    """Return the installed version of the backend `name`."""
    from importlib import metadata  # with its parser of e-mail: a tenth of a cold start

    row = BACKENDS[name]
    try:
        return metadata.version(row.package)
    except metadata.PackageNotFoundError:  # the module came from another distribution, such as Debian's
        return str(getattr(importlib.import_module(row.module), "__version__", "unknown"))

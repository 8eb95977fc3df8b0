"""`FORMATS`: the table of file formats."""

from __future__ import annotations

import contextlib
import re
from dataclasses import dataclass
from pathlib import Path

from mnist_exporters.errors import UsageError
from mnist_exporters.spec.io_types import BYTES, FLOAT, INT8, INT16, MICRO, WIDE, IoTypes
from mnist_exporters.spec.precision import Precision

__all__ = ["FORMATS", "KERAS_PACKAGES", "Format", "check_source", "format_of", "format_of_file"]


@dataclass(frozen=True)
class Format:
    """One row of `FORMATS`: the facts about a format. Its code is a class in `mnist_exporters.formats.plugin.PLUGINS`.

    Parameters
    ----------
    suffix : str
        Suffix of the file that is loaded, with the dot.
    io_types : dict of Precision to IoTypes
        The precisions of the format, each with its input and output types.
    packages : tuple of str
        Packages that influence the file. The last one is the interpreter for the accuracy check. The manifest records
        their versions.
    companions : tuple of str, optional
        Suffixes of further files that `FormatPlugin.pack` makes.
    sources : tuple of str, optional
        Kinds of originals from which it can be made; see `OriginalModel.kind`.
    tag : str, optional
        Text at the end of a default file name, for a format that shares its suffix with another.
    has_engine : bool, optional
        Whether the files contain their inference engine. The last of `packages` is then not an interpreter.
    extra : str, optional
        The extra that installs these packages, if a plain installation does not. ``--format all`` skips such formats.
    """

    suffix: str
    io_types: dict[Precision, IoTypes]
    packages: tuple[str, ...]
    companions: tuple[str, ...] = ()
    sources: tuple[str, ...] = ("keras",)
    tag: str = ""
    has_engine: bool = False
    extra: str | None = None


FORMATS: dict[str, Format] = {
    "tflite": Format(
        suffix=".tflite",
        io_types={
            Precision.FLOAT32: FLOAT,
            Precision.FLOAT16: FLOAT,
            Precision.DYNAMIC: FLOAT,
            Precision.INT8: INT8,
            Precision.INT4: BYTES,
            Precision.INT16X8: INT16,
        },
        packages=("tensorflow", "keras", "ai-edge-litert"),
    ),
    "onnx": Format(
        suffix=".onnx",
        io_types={
            Precision.FLOAT32: FLOAT,
            Precision.FLOAT16: FLOAT,
            Precision.DYNAMIC: FLOAT,
            Precision.INT8: FLOAT,
        },
        packages=("tensorflow", "keras", "tf2onnx", "onnx", "onnxruntime"),
        sources=("keras", "onnx"),
    ),
    "c": Format(
        suffix=".c",
        io_types={Precision.INT8: BYTES, Precision.INT16X8: WIDE},
        packages=("tensorflow", "keras", "ai-edge-litert"),
        companions=(".h",),
        has_engine=True,
        extra="c",
    ),
    "web": Format(
        suffix=".html",
        io_types={Precision.INT8: BYTES, Precision.INT16X8: WIDE},
        packages=("tensorflow", "keras", "ai-edge-litert", "ziglang", "wasmtime"),
        has_engine=True,
        extra="web",
    ),
    "tflm": Format(
        suffix=".h",
        io_types={Precision.INT8: MICRO},
        packages=("tensorflow", "keras", "tflite-micro"),
        companions=(".cc",),
        tag="-tflm",
        extra="micro",
    ),
}
"""Name -> format. A new one is a row here, a folder in `mnist_exporters.formats` and a row in its `PLUGINS`."""


KERAS_PACKAGES = ("tensorflow", "keras", "tf2onnx")
"""Packages that are needed only if the original is a Keras model."""


def check_source(kind: str, format: str) -> None:
    """Check that a file of `format` can be made from an original of `kind`; see `OriginalModel.kind`.

    Raises
    ------
    UsageError
        If it cannot. The message lists the kinds or formats that work.
    """
    if kind in FORMATS[format].sources:
        return
    possible = [name for name, row in FORMATS.items() if kind in row.sources]
    advice = (
        f"Choose --format {' or '.join(possible)}, or give the Keras model."
        if possible
        else "Give the model that it was made from. To measure this file, use mnist-export verify or mnist-evaluate."
    )
    known = {"onnx": "an ONNX model", "tflite": "a .tflite file", "sealed": "a file that mnist-export made"}
    raise UsageError(f"{format} files cannot be made from {known.get(kind, kind)}. {advice}")


def _is_c_code(header: Path) -> bool:
    return header.with_suffix(".c").exists() and not header.with_suffix(".cc").exists()


def format_of(path: Path) -> str:
    """Return the key of `FORMATS` that has the suffix of `path`.

    Raises
    ------
    UsageError
        If no format has this suffix.

    Examples
    --------
    >>> format_of(Path("digits.onnx"))
    'onnx'
    """
    for name, row in FORMATS.items():
        if row.suffix == (path.suffix if row.companions else path.suffix.lower()):
            # The formats c and tflm both write a file with this suffix.
            return "c" if path.suffix == ".h" and _is_c_code(path) else name
    if path.suffix.lower() in (".keras", ".h5"):
        raise UsageError(f"{path} is a Keras model. Measure it with mnist-evaluate, or convert it with mnist-export.")
    known = ", ".join(row.suffix for row in FORMATS.values())
    raise UsageError(f"{path} has no suffix of a known format. Known are {known}.")


CONTENTS: dict[str, tuple[str, re.Pattern[bytes]]] = {
    "tflite": ("a TFLite file", re.compile(rb".{4}TFL3", re.DOTALL)),
    "onnx": ("an ONNX file", re.compile(rb"\x08[\x02-\x20][\x12\x1a\x22\x3a\x42]")),  # version, then a name or graph
}
"""Format -> words for such a file, and a pattern of its first bytes; only formats with typical first bytes."""


def format_of_file(path: Path) -> str:
    """Return the format of a file from its suffix, and check that its content agrees.

    Raises
    ------
    UsageError
        If no format has its suffix, or its content is that of another format.
    """
    head = b""
    with contextlib.suppress(OSError, ValueError):  # reported when the file is loaded
        if path.is_file():  # opening a pipe would wait
            with path.open("rb") as file:
                head = file.read(8)
    for name, (title, start) in CONTENTS.items():
        if start.match(head) and path.suffix.lower() != FORMATS[name].suffix:
            raise UsageError(f"{path} is {title}. Rename it to end in {FORMATS[name].suffix}.")
    return format_of(path)

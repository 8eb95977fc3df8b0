"""`Format`: a kind of file that can be exported; and the table of them all."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from mnist_exporters.errors import UsageError
from mnist_exporters.spec.io_types import BYTES, FLOAT, INT8, INT16, MICRO, IoTypes
from mnist_exporters.spec.precision import Precision

__all__ = ["FORMATS", "Format", "format_of"]


@dataclass(frozen=True)
class Format:
    """One row of `FORMATS`. Functions are named ``"module:attribute"`` and imported when they are needed.

    Parameters
    ----------
    suffix : str
        Of the file that is loaded, with the dot.
    io_types : dict of Precision to IoTypes
        The precisions of the format, each with its input and output types.
    convert : str
        A function ``(Original, ExportSpec, Calibration | None) -> bytes``: the bare model.
    read : str
        A function ``bytes -> Contents``: what is in a bare model.
    pack : str
        A function ``(model, Manifest, Golden, stem) -> dict[suffix, bytes]``: the file or files that are written, the
        one with `suffix` last.
    open : str
        A function ``Path -> Artifact``: reads a packed file and checks its integrity.
    load : str
        A function ``Path -> Classifier``: runs a packed file as a device does. The proof goes through it.
    packages : tuple of str
        The distributions that shape the file, the interpreter of the proof last; their versions go into the manifest.
    companions : tuple of str, optional
        Suffixes of the files that `pack` makes besides.
    extra : str, optional
        The extra that installs them, where a plain installation lacks one; ``--format all`` leaves such a format out.
    """

    suffix: str
    io_types: dict[Precision, IoTypes]
    convert: str
    read: str
    pack: str
    open: str
    load: str
    packages: tuple[str, ...]
    companions: tuple[str, ...] = ()
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
        convert="mnist_exporters.formats.tflite.convert:convert",
        read="mnist_exporters.formats.tflite.read:read",
        pack="mnist_exporters.formats.tflite.convert:pack",
        open="mnist_runtime:Artifact.open",
        load="mnist_exporters.formats.tflite.convert:load",
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
        convert="mnist_exporters.formats.onnx.convert:convert",
        read="mnist_exporters.formats.onnx.read:read",
        pack="mnist_exporters.formats.onnx.convert:pack",
        open="mnist_runtime:Artifact.open",
        load="mnist_exporters.formats.onnx.convert:load",
        packages=("tensorflow", "keras", "tf2onnx", "onnx", "onnxruntime"),
    ),
    "c": Format(
        suffix=".h",
        io_types={Precision.INT8: MICRO},
        convert="mnist_exporters.formats.tflite.convert:convert",
        read="mnist_exporters.formats.c.pair:read",
        pack="mnist_exporters.formats.c.pair:pack",
        open="mnist_exporters.formats.c.pair:open_pair",
        load="mnist_exporters.formats.c.pair:load",
        packages=("tensorflow", "keras", "tflite-micro"),
        companions=(".cc",),
        extra="micro",
    ),
}
"""Name -> format; reading the table imports no converter. A new format is one module and one row."""


def format_of(path: Path) -> str:
    """Return the row of `FORMATS` that a file belongs to by its suffix.

    Raises
    ------
    UsageError
        If there is none.
    """
    for name, row in FORMATS.items():
        if row.suffix == path.suffix:
            return name
    known = ", ".join(row.suffix for row in FORMATS.values())
    raise UsageError(f"Expected an exported file ({known}), received {path}.")

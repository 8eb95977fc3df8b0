"""`Format`: a kind of file that can be exported; and the table of them all."""

from __future__ import annotations

from dataclasses import dataclass

from mnist_exporters.precision import Precision

__all__ = ["FORMATS", "Format"]


@dataclass(frozen=True)
class Format:
    """One row of `FORMATS`.

    Parameters
    ----------
    suffix : str
        Of the files, with the dot.
    precisions : tuple of Precision
        What it can be exported in.
    convert : str
        ``"module:attribute"`` of a function ``(Original, Precision, Calibration | None) -> bytes``.
    enclose : str
        ``"module:attribute"`` of a function that makes trailing bytes part of such a file, ``bytes -> bytes``.
    backend : str
        The row of `mnist_runtime.BACKENDS` that the proof runs on.
    packages : tuple of str
        The distributions that shape the file; their versions go into the manifest.
    """

    suffix: str
    precisions: tuple[Precision, ...]
    convert: str
    enclose: str
    backend: str
    packages: tuple[str, ...]


FORMATS: dict[str, Format] = {
    "tflite": Format(
        suffix=".tflite",
        precisions=tuple(Precision),
        convert="mnist_exporters.tflite:convert",
        enclose="mnist_exporters.tflite:enclose",
        backend="litert",
        packages=("tensorflow", "keras", "ai-edge-litert"),
    ),
    "onnx": Format(
        suffix=".onnx",
        precisions=tuple(Precision),
        convert="mnist_exporters.onnx:convert",
        enclose="mnist_exporters.onnx:enclose",
        backend="onnxruntime",
        packages=("tensorflow", "keras", "tf2onnx", "onnx", "onnxruntime"),
    ),
}
"""Name -> format; reading the table imports no converter. A new format is one module and one row."""

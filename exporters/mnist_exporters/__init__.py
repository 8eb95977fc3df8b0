"""Export a Keras digit model to one small file, and prove on real images that it is as accurate as the original.

Importing this package is fast: each name is imported when it is first used, and TensorFlow only when it is needed.

Examples
--------
>>> from pathlib import Path
>>> from tempfile import mkdtemp
>>> from mnist_exporters import export_model
>>> report = export_model("tiny", Path(mkdtemp()) / "tiny.tflite", precision="int8", data="digits")
>>> report.parity.passed, report.input_dtype, report.model_bytes < 12_000
(True, 'uint8', True)
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING

import mnist_runtime  # noqa: F401  # it turns off onnxruntime's telemetry, before any module imports onnxruntime

if TYPE_CHECKING:
    from mnist_exporters.api import export_model, open_session
    from mnist_exporters.errors import (
        CalibrationError,
        ConversionError,
        MissingPackageError,
        ModelError,
        OutputError,
        UsageError,
    )
    from mnist_exporters.files import inspect, seal, sign, verify
    from mnist_exporters.inputs.calibration import Calibration
    from mnist_exporters.inputs.original import PIXEL_CONVENTIONS, Original, PixelScaling
    from mnist_exporters.pipeline.existing_files.signing import Signed
    from mnist_exporters.pipeline.existing_files.verify import Verification
    from mnist_exporters.pipeline.export import export
    from mnist_exporters.pipeline.session import ExportSession
    from mnist_exporters.proof.parity import Parity
    from mnist_exporters.proof.reference import Reference
    from mnist_exporters.proof.report import ExportReport, RefusedError
    from mnist_exporters.reports.compare import compare
    from mnist_exporters.reports.comparison import Comparison
    from mnist_exporters.reports.inspection import Inspection
    from mnist_exporters.reports.latency import Latency, measure_latency
    from mnist_exporters.spec.export_spec import ExportSpec
    from mnist_exporters.spec.format import FORMATS, Format
    from mnist_exporters.spec.precision import Precision
    from mnist_exporters.targets.devices import TARGETS, Target
    from mnist_exporters.targets.interpreters import INTERPRETERS, Interpreter

__all__ = [
    "FORMATS",
    "INTERPRETERS",
    "PIXEL_CONVENTIONS",
    "TARGETS",
    "Calibration",
    "CalibrationError",
    "Comparison",
    "ConversionError",
    "ExportReport",
    "ExportSession",
    "ExportSpec",
    "Format",
    "Inspection",
    "Interpreter",
    "Latency",
    "MissingPackageError",
    "ModelError",
    "Original",
    "OutputError",
    "Parity",
    "PixelScaling",
    "Precision",
    "Reference",
    "RefusedError",
    "Signed",
    "Target",
    "UsageError",
    "Verification",
    "compare",
    "export",
    "export_model",
    "inspect",
    "measure_latency",
    "open_session",
    "seal",
    "sign",
    "verify",
]

MODULES = {
    "Calibration": "inputs.calibration",
    "Comparison": "reports.comparison",
    "ExportReport": "proof.report",
    "ExportSession": "pipeline.session",
    "ExportSpec": "spec.export_spec",
    "FORMATS": "spec.format",
    "Format": "spec.format",
    "INTERPRETERS": "targets.interpreters",
    "Inspection": "reports.inspection",
    "Interpreter": "targets.interpreters",
    "Latency": "reports.latency",
    "Original": "inputs.original",
    "PIXEL_CONVENTIONS": "inputs.original",
    "PixelScaling": "inputs.original",
    "Parity": "proof.parity",
    "Precision": "spec.precision",
    "Reference": "proof.reference",
    "RefusedError": "proof.report",
    "Signed": "pipeline.existing_files.signing",
    "TARGETS": "targets.devices",
    "Target": "targets.devices",
    "Verification": "pipeline.existing_files.verify",
    "compare": "reports.compare",
    "export": "pipeline.export",
    "export_model": "api",
    "inspect": "files",
    "measure_latency": "reports.latency",
    "open_session": "api",
    "seal": "files",
    "sign": "files",
    "verify": "files",
}
"""Public name -> its module, imported when the name is first used. Names without an entry are in ``errors``."""

if not TYPE_CHECKING:

    def __getattr__(name: str) -> object:
        if name not in __all__:
            raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
        module = importlib.import_module(f"{__name__}.{MODULES.get(name, 'errors')}")
        return globals().setdefault(name, getattr(module, name))

    def __dir__() -> list[str]:
        return sorted({*globals(), *__all__})

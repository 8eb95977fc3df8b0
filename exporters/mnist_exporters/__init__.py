"""Turn a Keras digit model into one small file, and prove on real images that it answers as the original does.

Examples
--------
>>> from pathlib import Path
>>> from tempfile import mkdtemp
>>> from mnist_exporters import Calibration, ExportSpec, Original, Precision, Reference
>>> from mnist_exporters import confidence_threshold
>>> from mnist_exporters import export
>>> from mnist_trainer import load_data, load_model
>>> data = load_data("digits")
>>> original = Original.from_keras(load_model("cnn"), data.test)
>>> report = export(
...     original,
...     ExportSpec("tflite", Precision.INT8),
...     Path(mkdtemp()) / "cnn-int8.tflite",
...     reference=Reference.of(original, data.test),
...     calibration=Calibration.draw(data.train, 200, seed=0),
...     golden_images=data.test.images[:10],
...     threshold=confidence_threshold(original, data.train, seed=0),
... )
>>> report.parity.passed, report.input_dtype
(True, 'uint8')
"""

from mnist_exporters.errors import ConversionError, MissingPackageError, ModelError, OutputError, UsageError
from mnist_exporters.inputs.calibration import Calibration
from mnist_exporters.inputs.original import Original
from mnist_exporters.inputs.threshold import confidence_threshold
from mnist_exporters.pipeline.export import export
from mnist_exporters.proof.parity import Parity, Reference
from mnist_exporters.proof.report import ExportReport, RefusedError
from mnist_exporters.spec.export_spec import ExportSpec
from mnist_exporters.spec.format import FORMATS, Format
from mnist_exporters.spec.precision import Precision

__all__ = [
    "FORMATS",
    "Calibration",
    "ConversionError",
    "ExportReport",
    "ExportSpec",
    "Format",
    "MissingPackageError",
    "ModelError",
    "Original",
    "OutputError",
    "Parity",
    "Precision",
    "Reference",
    "RefusedError",
    "UsageError",
    "confidence_threshold",
    "export",
]

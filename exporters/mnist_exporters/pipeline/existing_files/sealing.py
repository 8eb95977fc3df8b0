"""`seal_file`: check the accuracy of a file from another tool, and write it as an artifact for mnist-runtime."""

from __future__ import annotations

import platform
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np

from mnist_exporters.errors import ConversionError
from mnist_exporters.formats.contents import Contents
from mnist_exporters.formats.plugin import load_plugin
from mnist_exporters.inputs.original_model import OriginalModel
from mnist_exporters.pipeline.job import Converted, Job
from mnist_exporters.pipeline.manifest import processor_name, schema_of, task_facts, training_facts
from mnist_exporters.proof.report import ExportReport, RefusedError
from mnist_exporters.spec.export_spec import ExportSpec
from mnist_exporters.spec.format import FORMATS
from mnist_exporters.spec.precision import Precision
from mnist_runtime import Manifest, __version__
from mnist_runtime.system.process import installed_version

if TYPE_CHECKING:
    from mnist_runtime.backends.base import QuantParams

__all__ = ["SealableFile", "seal_file", "spec_of"]

INPUTS = ("uint8", "int8", "float32")
OUTPUTS = ("uint8", "int8", "int16", "float32")
"""Types of a model's output that the runtime can read. `INPUTS` has the input types that it can write."""


class SealableFile(OriginalModel, Protocol):
    """A loaded file that another tool made, such as `mnist_trainer.foreign.file_model.FileModel`."""

    @property
    def content(self) -> bytes:
        """The bytes of the file."""
        ...

    @property
    def tensor_shape(self) -> tuple[int, ...]:
        """Shape of one image in the model's input, without the batch axis."""
        ...

    @property
    def batch(self) -> int:
        """Number of images that the file accepts in one call."""
        ...

    @property
    def quantization(self) -> QuantParams | None:
        """Quantization of the input; None for floats, and for integers without a scale."""
        ...


def spec_of(format: str, content: bytes, max_accuracy_drop: float | None) -> ExportSpec:
    """Return the spec of a file from another tool. If its precision is not known, that of float32 is used.

    Raises
    ------
    ArtifactError
        If the file is damaged.
    UsageError
        If `max_accuracy_drop` is out of range.
    """
    found = load_plugin(format).read(content).precision
    return ExportSpec(format, found if found in FORMATS[format].io_types else Precision.FLOAT32, max_accuracy_drop)


def seal_file(job: Job, file: SealableFile, spec: ExportSpec) -> ExportReport:
    """Compare a file with the original of `job`; if it passes, write it with manifest, proof and golden vectors.

    Parameters
    ----------
    job : Job
        The original, its images and the destination.
    file : SealableFile
        The file, which was loaded in a separate process.
    spec : ExportSpec
        See `spec_of`.

    Raises
    ------
    RefusedError
        If the accuracy loss is not proven to be within the tolerance. It holds the report.
    ConversionError
        If the runtime does not support the types or the shape of its input or output.
    """
    contents = load_plugin(spec.format).read(file.content)
    attempt = job.prove(spec, Converted(file.content, contents, _manifest(job, file, spec, contents)))
    if not attempt.report.parity.passed:
        raise RefusedError(attempt.report, job.destination)
    return attempt.report


def _manifest(job: Job, file: SealableFile, spec: ExportSpec, contents: Contents) -> Manifest:
    original = job.original
    if contents.input.dtype not in INPUTS or contents.output.dtype not in OUTPUTS or len(contents.output.shape) != 2:
        raise ConversionError(
            f"The file has {contents.input.dtype} input and {contents.output.dtype} output of shape "
            f"{contents.output.shape}. The runtime supports {', '.join(INPUTS)} input, and {', '.join(OUTPUTS)} output "
            f"of shape (n, {len(original.task.labels)}). Convert the model again with such types."
        )
    input_facts = _input(file, contents, original.task.tensor_shape)
    activation = {"activation": "softmax"} if file.activation == "logits" else {}
    is_exact = input_facts["dtype"] == "float32" or input_facts.get("scale", 1) == 1
    is_plain = not activation and "tensor_shape" not in input_facts and is_exact
    interpreter = FORMATS[spec.format].packages[-1]
    tools = {package: installed_version(package) for package in (interpreter, "numpy")}
    return Manifest(
        name=file.name,
        format=spec.format,
        precision=spec.precision.value,
        scores=file.score_kind,
        **task_facts(original.task, input_facts, {"dtype": contents.output.dtype, **activation}),
        source={
            "sha256": original.sha256,
            "file_sha256": file.sha256,
            "parameters": original.count_params(),
            **original.scaling.as_dict(),
            "activation": original.activation,
            **training_facts(original),
        },
        tools={"mnist-edge-export": __version__, **tools},
        golden={"version": tools[interpreter], "machine": platform.machine(), "processor": processor_name()},
        requires=contents.requirements(),
        schema=schema_of(original.task, is_plain=is_plain),
    )


def _input(file: SealableFile, contents: Contents, image: tuple[int, int, int]) -> dict[str, Any]:
    """Return the entry ``input`` of the manifest, which says how to compute the model's input from raw pixels."""
    scale, offset = file.scaling.scale, file.scaling.offset
    if file.quantization:
        scale, offset = scale / file.quantization.scale, offset / file.quantization.scale + file.quantization.zero_point
    facts: dict[str, Any] = {"dtype": contents.input.dtype}
    if contents.input.dtype != "float32":
        scale, offset = _whole_levels(scale, offset)
    if (contents.input.dtype, scale, offset) != ("uint8", 1, 0):
        facts |= {"scale": scale, "offset": offset}
    if file.batch == 1 or tuple(file.tensor_shape) != image:
        facts["tensor_shape"] = [1 if file.batch == 1 else None, *file.tensor_shape]
    return facts


def _whole_levels(scale: float, offset: float) -> tuple[float, float]:
    """Return ``(1, n)`` if rounding makes the input equal to the raw pixel plus n; else `scale` and `offset`."""
    levels = np.rint(np.arange(256) * scale + offset)
    return (1, int(levels[0])) if np.array_equal(levels - levels[0], np.arange(256)) else (scale, offset)

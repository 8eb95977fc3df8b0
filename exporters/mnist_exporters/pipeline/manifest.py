"""`manifest_of`: the manifest of a converted model; its entries, and golden vectors without scores."""

from __future__ import annotations

import platform
import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from mnist_exporters.formats.contents import BLACK, Contents
from mnist_exporters.inputs.calibration import Calibration
from mnist_exporters.proof.repair import Repair
from mnist_exporters.spec.export_spec import ExportSpec
from mnist_exporters.spec.format import FORMATS
from mnist_runtime import Golden, Manifest, __version__
from mnist_runtime.artifact.manifest import LOGITS_SCHEMA, SCHEMA
from mnist_runtime.artifact.task import DIGITS, Task
from mnist_runtime.system.process import installed_version

if TYPE_CHECKING:
    from mnist_exporters.inputs.original_model import OriginalModel

__all__ = ["manifest_of", "processor_name", "schema_of", "task_facts", "training_facts", "without_scores"]

PREPARATIONS: dict[str, dict[str, Any]] = {
    "mnist": {
        "polarity": "white on black",
        "box": 20,
        "field": 28,
        "centre": "centre of mass",
        "pixels": "raw, 0..255",
    },
    "plain": {"kind": "plain"},
}
"""`Task.preparation` -> entry ``preparation`` of a manifest."""

CPUINFO = Path("/proc/cpuinfo")
"""Where Linux describes the processors."""


def manifest_of(
    original: OriginalModel,
    spec: ExportSpec,
    contents: Contents,
    calibration: Calibration | None,
    repair: Repair | None,
) -> Manifest:
    """Return the manifest of a converted model, without the results of the accuracy check.

    Parameters
    ----------
    original : OriginalModel
        The model that was converted.
    spec : ExportSpec
        Format and precision of the file.
    contents : Contents
        What the file contains.
    calibration : Calibration or None
        The images that set the ranges of integer activations; None if the precision has none.
    repair : Repair or None
        The repair with which it was converted.
    """
    gives_logits = repair is not None and repair.treatment.activation == "reader"
    activation = {"activation": original.score_kind} if gives_logits else {}
    packages = list(spec.packages(original.kind))
    tools = {package: installed_version(package) for package in (*packages, "numpy")}
    return Manifest(
        name=original.name,
        format=spec.format,
        precision=spec.precision.value,
        scores=original.score_kind,
        **task_facts(
            original.task,
            {"dtype": contents.input.dtype, **_input_scale(contents, original)},
            {"dtype": contents.output.dtype, **activation},
        ),
        source={
            "sha256": original.sha256,
            "parameters": original.count_params(),
            **original.scaling.as_dict(),
            "activation": original.activation,
            **training_facts(original),
        },
        tools={"mnist-edge-export": __version__, **tools},
        golden={
            "version": __version__ if FORMATS[spec.format].has_engine else tools[packages[-1]],
            "machine": platform.machine(),
            "processor": processor_name(),
        },
        requires=contents.requirements(),
        calibration=calibration.as_dict() if calibration else None,
        repair=repair.as_dict() if repair else None,
        schema=schema_of(original.task, is_plain=not gives_logits),
    )


def _input_scale(contents: Contents, original: OriginalModel) -> dict[str, float]:
    """Return scale and offset for a file that does not take raw pixels: its input is ``pixel * scale + offset``."""
    if contents.input.dtype == "uint8":
        return {}
    if contents.input.dtype == "float32":
        return {"scale": original.input_scaling.scale, "offset": original.input_scaling.offset}
    return {"scale": 1, "offset": BLACK[contents.input.dtype]}


def task_facts(task: Task, input_facts: dict[str, Any], output_facts: dict[str, Any]) -> dict[str, Any]:
    """Return the fields of a manifest that depend on `task`.

    Parameters
    ----------
    task : Task
        What the file classifies.
    input_facts, output_facts : dict
        Facts about input and output besides their shapes.
    """
    return {
        "labels": task.labels,
        "input": {"shape": [None, *task.tensor_shape], **input_facts},
        "output": {"shape": [None, len(task.labels)], **output_facts},
        "preparation": PREPARATIONS[task.preparation],
    }


def training_facts(original: OriginalModel) -> dict[str, Any]:
    """Return the training facts of a manifest.

    For digits, they say whether the model was also trained on images without a digit. If pixels were scaled by mean and
    standard deviation, they name the data set on which these were measured.
    """
    known = {"rejects_non_digits": original.rejects_non_digits} if original.task.digits else {}
    pixels = original.pixels_as_dict()
    return known | {key: pixels[key] for key in ("pixel_numbers_from",) if key in pixels}


def processor_name(cpuinfo: Path = CPUINFO) -> str:
    """Return the name of the processor, such as ``"AMD EPYC"``; if it is not known, the name of the architecture.

    The manifest records it, because the same model, data and versions give the same bytes only on the same kind of
    processor. TensorFlow's results differ in the last bits between processors.

    Examples
    --------
    >>> processor_name().isprintable()
    True
    """
    try:
        text = cpuinfo.read_text(encoding="utf-8", errors="replace")
    except OSError:  # not Linux
        text = ""
    found = re.search(r"^(?:model name|Model)\s*:\s*(.+?)\s*$", text, re.MULTILINE)
    name = found[1] if found else platform.processor() or platform.machine()
    return "".join(character for character in name if character.isprintable())[:80]


def schema_of(task: Task, *, is_plain: bool) -> int:
    """Return the schema version of a manifest: 1 if every version of the runtime reads the file correctly, else 2.

    Parameters
    ----------
    task : Task
        What the file classifies.
    is_plain : bool
        Whether the file takes raw pixels and gives scores.

    Examples
    --------
    >>> arrows = Task(28, 28, 1, ("left", "right"), "plain")
    >>> schema_of(DIGITS, is_plain=True), schema_of(DIGITS, is_plain=False), schema_of(arrows, is_plain=True)
    (1, 2, 2)
    """
    return SCHEMA if is_plain and task == DIGITS else LOGITS_SCHEMA


def without_scores(images: npt.NDArray[np.uint8], task: Task) -> Golden:
    """Return golden vectors with images but without scores, for a file before the accuracy check."""
    return Golden(images, np.empty((0, len(task.labels)), np.float32))

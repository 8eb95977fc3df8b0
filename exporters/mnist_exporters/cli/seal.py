"""``mnist-export seal``: check the accuracy of a file from another tool, and write it as an artifact."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING

import click

from mnist_exporters.cli.options import EXIT_CODES, ExportedFile, accuracy_option, comparison_options, golden_option
from mnist_runtime.errors import printable
from mnist_runtime.system.command import echo
from mnist_runtime.system.terminal import step_shown
from mnist_trainer.cli.options import Command, argument, json_option, option
from mnist_trainer.cli.parameter_types import OUTPUT_PATH

if TYPE_CHECKING:
    from mnist_trainer.data.stated import StatedTask
    from mnist_trainer.recipes.pixel_scaling import PixelScaling

__all__ = ["seal_command"]

TYPICAL_S = 12.0
"""Usual duration of the accuracy check in seconds, for the progress line."""

EXAMPLES = """\
mnist-export seal made-elsewhere.tflite --against my-model.keras
mnist-export seal int8.onnx --against float.onnx --output sealed/int8.onnx
"""


@click.command(
    "seal",
    cls=Command,
    short_help="Prove a file of another tool, and write it in the form that devices run.",
    examples=EXAMPLES,
    exit_codes=EXIT_CODES,
)
@argument("file", "A .tflite or .onnx file that another tool made.", type=ExportedFile())
@comparison_options
@option(
    "--output",
    type=OUTPUT_PATH,
    default=Path("exported"),
    metavar="PATH",
    help="Folder, or one file (default: exported).",
)
@accuracy_option("Other options")
@golden_option("Other options")
@json_option()
def seal_command(
    *,
    file: Path,
    model: str,
    data: str,
    stated: StatedTask,
    pixel_range: PixelScaling | None,
    file_pixel_range: PixelScaling | None,
    output: Path,
    expect_accuracy: float | None,
    trust: bool,
    max_accuracy_drop: float | None,
    golden_from_data: bool,
    as_json: bool,
) -> int:
    """Prove a file of another tool against its original, and add manifest, proof and test vectors.

    mnist-runtime then runs it. If its accuracy is not proven, nothing is written.
    """
    from mnist_exporters.files import seal

    with step_shown(f"proving {printable(str(file))}", TYPICAL_S):
        report = seal(
            file,
            model,
            output,
            data,
            stated=stated,
            max_accuracy_drop=max_accuracy_drop,
            pixel_range=pixel_range,
            file_pixel_range=file_pixel_range,
            expect_accuracy=expect_accuracy,
            trust=trust,
            golden_from_data=golden_from_data,
        )
    echo(str(report))
    print(json.dumps(report.as_dict(), indent=2) if as_json else printable(str(report.path)))
    return 0

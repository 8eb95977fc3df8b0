"""``mnist-export verify``: compare an exported file, or a file from another tool, with its original."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING

import click

from mnist_exporters.cli.options import EXIT_CODES, ExportedFile, accuracy_option, comparison_options
from mnist_runtime.errors import printable
from mnist_runtime.system.command import echo, warn
from mnist_runtime.system.terminal import step_shown
from mnist_trainer.cli.options import Command, argument, json_option

if TYPE_CHECKING:
    from mnist_trainer.data.stated import StatedTask
    from mnist_trainer.recipes.pixel_scaling import PixelScaling

__all__ = ["verify_command"]

TYPICAL_S = 12.0
"""Seconds that the comparison takes on a usual machine, for the progress line."""

EXAMPLES = """\
mnist-export verify exported/cnn-int8.tflite --against cnn
mnist-export verify my.onnx --against my-model.keras --data my-digits.npz
mnist-export verify made-elsewhere.tflite --against float.onnx
"""


@click.command(
    "verify",
    cls=Command,
    short_help="Compare a file with its original; the file may be of another tool.",
    examples=EXAMPLES,
    exit_codes=EXIT_CODES,
)
@argument("file", "An exported file, or a .tflite or .onnx file that another tool made.", type=ExportedFile())
@comparison_options
@accuracy_option("Other options")
@json_option()
def verify_command(
    *,
    file: Path,
    model: str,
    data: str,
    stated: StatedTask,
    pixel_range: PixelScaling | None,
    file_pixel_range: PixelScaling | None,
    expect_accuracy: float | None,
    trust: bool,
    max_accuracy_drop: float | None,
    as_json: bool,
) -> int:
    """Compare a file with its original, image by image, on this machine and these data.

    A file of another tool runs in a process of its own, and the pixel scaling that it expects is measured. Without an
    original, use mnist-evaluate.
    """
    from mnist_exporters.files import verify
    from mnist_exporters.proof.report import RefusedError

    with step_shown(f"comparing {printable(str(file))}", TYPICAL_S):
        found = verify(
            file,
            model,
            data,
            stated=stated,
            max_accuracy_drop=max_accuracy_drop,
            pixel_range=pixel_range,
            file_pixel_range=file_pixel_range,
            expect_accuracy=expect_accuracy,
            trust=trust,
        )
    (echo if found.parity.passed else warn)(str(found))  # a quiet command names what fails
    if as_json:
        print(json.dumps(found.as_dict(), indent=2))
    return 0 if found.parity.passed else RefusedError.exit_code

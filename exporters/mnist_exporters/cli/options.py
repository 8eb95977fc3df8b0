"""Options that ``mnist-export`` and its subcommands share."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import click

from mnist_exporters.spec.format import format_of_file
from mnist_runtime.errors import ArtifactError
from mnist_trainer.cli.data_options import data_options
from mnist_trainer.cli.options import MODEL_HELP, model_type, option, trust_option
from mnist_trainer.cli.parameter_types import ACCURACY, FRACTION, ExistingPath
from mnist_trainer.cli.pixel_options import Range, pixel_options

__all__ = [
    "EXIT_CODES",
    "SOURCE",
    "ExportedFile",
    "accuracy_option",
    "comparison_options",
    "golden_option",
    "source_options",
    "ssh_config_option",
]

SOURCE = "Model and data"

EXIT_CODES = (
    "Exit codes: 0 done, 1 bug, 2 wrong usage, 3 refused: accuracy not proven, 4 a package is missing, "
    "5 model file damaged or unsuitable, 6 bad data"
)


class ExportedFile(ExistingPath):
    """An existing file with the suffix of a format."""

    def __init__(self) -> None:
        super().__init__(ArtifactError)

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Path:
        """Return `value` as a path, after a check of its suffix."""
        format_of_file(Path(value))
        return super().convert(value, param, ctx)


def source_options(command: Any) -> Any:
    """Add the options for loading the original and the data that it is compared on."""
    expect = option(
        "--expect-accuracy",
        section=SOURCE,
        type=ACCURACY,
        metavar="FRACTION",
        help="The accuracy that you measured for the model, such as 0.98. If the accuracy is lower here, nothing is "
        "exported, because the pixels are probably scaled in another way.",
    )
    return trust_option(SOURCE)(pixel_options(SOURCE)(expect(data_options(SOURCE)(command))))


def accuracy_option(section: str) -> Callable[[Any], Any]:
    """Return the decorator of ``--max-accuracy-drop``."""
    return option(
        "--max-accuracy-drop",
        section=section,
        type=FRACTION,
        metavar="FRACTION",
        help="Largest accepted loss of accuracy; 0.005 is half a point (default: that of the precision).",
    )


def golden_option(section: str) -> Callable[[Any], Any]:
    """Return the decorator of ``--golden-from-data``."""
    return option(
        "--golden-from-data",
        section=section,
        is_flag=True,
        help="Store test images of --data as the file's test vectors, not images of this package. Whoever has the file "
        "can see them.",
    )


def ssh_config_option() -> Callable[[Any], Any]:
    """Return the decorator of ``--ssh-config``."""
    return option(
        "-F",
        "--ssh-config",
        type=ExistingPath(),
        metavar="FILE",
        help="Configuration file of ssh for the device, instead of your own.",
    )


def comparison_options(command: Any) -> Any:
    """Add the options of a command that compares a file with its original."""
    against = option(
        "--against",
        "model",
        section=SOURCE,
        type=model_type,
        required=True,
        metavar="NAME|PATH",
        help=f"The original: {MODEL_HELP}, or another .tflite or .onnx file.",
    )
    file_pixels = option(
        "--file-pixel-range",
        section=SOURCE,
        type=Range(),
        metavar="A..B",
        help="Pixel values that another tool's file expects, black to white, such as -1..1, '0..1 inverted' or "
        "'mean 0.1307 std 0.3081' (default: measured).",
    )
    return against(source_options(file_pixels(command)))

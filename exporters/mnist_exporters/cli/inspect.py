"""``mnist-export inspect``: print what is in a model file, and which devices can load it."""

from __future__ import annotations

import json
from pathlib import Path

import click

from mnist_exporters.cli.options import ExportedFile
from mnist_trainer.cli.options import Command, argument, json_option

__all__ = ["inspect_command"]

EXAMPLES = """\
mnist-export inspect exported/cnn-int8.tflite
mnist-export inspect made-elsewhere.onnx --json
"""


@click.command(
    "inspect",
    cls=Command,
    short_help="Print what is in a model file, and which devices can load it.",
    examples=EXAMPLES,
)
@argument("file", "A model file; it may come from another tool.", type=ExportedFile())
@json_option()
def inspect_command(*, file: Path, as_json: bool) -> None:
    """Print manifest, tensors and operators of a file, and which interpreters and devices can load it.

    The model is not run.
    """
    from mnist_exporters.files import inspect

    found = inspect(file)
    print(json.dumps(found.as_dict(), indent=2) if as_json else found)

"""`ExportCommand`: a command whose option ``--quantize`` may have no value."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import click

from mnist_exporters.errors import UsageError
from mnist_exporters.spec.precision import ALIASES, Precision
from mnist_trainer.cli.options import Command
from mnist_trainer.errors import nearest_name
from mnist_trainer.model_io.find import READY_MODELS

__all__ = ["ExportCommand", "command_for"]

REPLACED = ("--format", "--quantize", "--package", "--input-dtype", "--output-dtype", "--max-accuracy-drop")
"""Options that `command_for` removes, because they belong to the old format or precision."""

MODEL_SUFFIXES = (".keras", ".h5", ".hdf5", ".onnx")


class ExportCommand(Command):
    """A click command in which ``--quantize`` without a precision means ``--quantize int8``."""

    def make_context(
        self, info_name: str | None, args: list[str], parent: click.Context | None = None, **extra: Any
    ) -> click.Context:
        """Parse `args`; a ``--quantize`` without a precision means int8."""
        first, *others = args or ["-"]
        two_words = others and not first.startswith("-") and not others[0].startswith("-")
        if two_words and first not in self.subcommands and (hint := nearest_name(first, self.subcommands)):
            raise UsageError(f"There is no command {info_name} {first}.{hint}")
        return super().make_context(info_name, _with_precisions(args), parent, **extra)


def _with_precisions(words: Sequence[str]) -> list[str]:
    """Return `words` with ``int8`` after each ``--quantize`` that no precision follows.

    Examples
    --------
    >>> _with_precisions(["--quantize", "my.keras", "--quantize", "16", "--quantize"])
    ['--quantize', 'int8', 'my.keras', '--quantize', '16', '--quantize', 'int8']
    """
    spelled_out = []
    for place, word in enumerate(words):
        spelled_out.append(word)
        following = words[place + 1] if place + 1 < len(words) else "-"
        if word == "--quantize" and (following.startswith("-") or _is_model(following)):
            spelled_out.append(Precision.INT8.value)
    return spelled_out


def command_for(format: str, precision: str, words: Sequence[str]) -> list[str]:
    """Return ``mnist-export`` with the arguments `words`, but for another format and precision.

    Examples
    --------
    >>> " ".join(command_for("tflite", "dynamic", ["my.keras", "--quantize", "--data", "digits"]))
    'mnist-export my.keras --data digits --format tflite --quantize dynamic'
    >>> " ".join(command_for("tflite", "dynamic", ["--quantize", "--", "-my.keras"]))
    'mnist-export --format tflite --quantize dynamic -- -my.keras'
    """
    kept, others = [], iter(_with_precisions(words))
    for word in others:
        name, _, value = word.partition("=")
        if name not in REPLACED:
            kept.append(word)
        elif not value:
            next(others, None)
    end = kept.index("--") if "--" in kept else len(kept)  # words after it are no options
    return ["mnist-export", *kept[:end], "--format", format, "--quantize", precision, *kept[end:]]


def _is_model(word: str) -> bool:
    """Return whether `word` names a model rather than a precision. A mistyped precision does not."""
    if not word or word in ALIASES:
        return False
    try:
        return word in READY_MODELS or Path(word).suffix in MODEL_SUFFIXES or Path(word).exists()
    except OSError:  # the word is longer than a file name can be
        return False

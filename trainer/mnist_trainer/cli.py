"""``mnist-train`` and ``mnist-evaluate``: their doors, and what options of several commands share.

Nothing but the standard library and the tables is imported until a command runs.
"""

from __future__ import annotations

import argparse
import pkgutil
import sys

from mnist_runtime import __version__
from mnist_trainer.datasets import DATASETS
from mnist_trainer.model_file import READY_MODELS

__all__ = ["evaluate_main", "train_main"]

DATA_HELP = (
    f"{', '.join(DATASETS)}, the path of an .npz file or of a folder of pictures, or auto: mnist where it can be had, "
    "else digits (default: auto)"
)
MODEL_HELP = f"{', '.join(READY_MODELS)}, or a .keras or .h5 file or a SavedModel folder"
TRUST_HELP = "run Python code in the model's file (Lambda layers); only for a file whose maker you know"
EXIT_CODES = "exit codes: 0 done, 1 bug, 2 wrong usage, 4 a package is missing, 5 bad model file, 6 bad data"


def train_main() -> None:
    """Run ``mnist-train``, or ``mnist-train sweep``, with the arguments of `sys.argv`."""
    if sys.argv[1:2] == ["sweep"]:
        pkgutil.resolve_name("mnist_trainer.sweep_command:sweep_main")(sys.argv[2:])
    pkgutil.resolve_name("mnist_trainer.train_command:train_main")(sys.argv[1:])


def evaluate_main() -> None:
    """Run ``mnist-evaluate`` with the arguments of `sys.argv`."""
    pkgutil.resolve_name("mnist_trainer.evaluate_command:evaluate_main")(sys.argv[1:])


def positive(text: str) -> int:
    """Parse a whole number above 0 of a command line."""
    if text.isdecimal() and int(text) > 0:
        return int(text)
    raise argparse.ArgumentTypeError(f"expected a whole number above 0, received {text!r}")


def natural(text: str) -> int:
    """Parse a seed: a whole number from 0 to 2**31 - 1."""
    if text.isdecimal() and int(text) < 2**31:
        return int(text)
    raise argparse.ArgumentTypeError(f"expected a whole number from 0 to 2147483647, received {text!r}")


def command_parser(name: str, description: str, epilog: str) -> argparse.ArgumentParser:
    """Return a parser that knows ``--version`` and ends its help with `epilog`, as it stands."""
    parser = argparse.ArgumentParser(
        prog=name, description=description, epilog=epilog, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--version", action="version", version=f"%(prog)s {__version__}")
    return parser

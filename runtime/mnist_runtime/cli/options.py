"""Options that several subcommands share, and the parsers of numbers."""

from __future__ import annotations

import argparse
import math

import numpy as np
import numpy.typing as npt

from mnist_runtime.backends.registry import BACKENDS
from mnist_runtime.preprocess.decode import read_picture, read_stdin

__all__ = ["add_backend", "add_json", "add_model", "count", "pixels_of", "rate"]

MODEL_HELP = "an exported file (default: the ready int8 model)"


def add_model(parser: argparse.ArgumentParser) -> None:
    """Add ``--model``."""
    parser.add_argument("--model", metavar="PATH", help=MODEL_HELP)


def add_backend(parser: argparse.ArgumentParser) -> None:
    """Add ``--backend``."""
    text = f"interpreter: {', '.join(BACKENDS)} (default: the first that works)"
    parser.add_argument("--backend", choices=tuple(BACKENDS), metavar="NAME", help=text)


def add_json(parser: argparse.ArgumentParser) -> None:
    """Add ``--json``."""
    parser.add_argument("--json", action="store_true", help="print one JSON object")


def pixels_of(file: str) -> npt.NDArray[np.uint8]:
    """Read the picture of an argument; ``-`` is the standard input."""
    return read_stdin() if file == "-" else read_picture(file)


def count(text: str) -> int:
    """Parse a whole number from 1 to 10."""
    if text.isdecimal() and 1 <= int(text) <= 10:
        return int(text)
    raise argparse.ArgumentTypeError(f"{text!r} is not a whole number from 1 to 10")


def rate(text: str) -> float:
    """Parse a number above 0, at most 1000."""
    try:
        number = float(text)
    except ValueError:
        number = math.nan
    if 0 < number <= 1000:
        return number
    raise argparse.ArgumentTypeError(f"{text!r} is not a number above 0 and at most 1000")

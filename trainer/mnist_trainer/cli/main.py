"""``mnist-train`` and ``mnist-evaluate``: their doors, and what options of several commands share.

Nothing but the standard library and the tables is imported until a command runs.
"""

from __future__ import annotations

import argparse
import pkgutil
import sys

from mnist_runtime import __version__

__all__ = ["evaluate_main", "train_main"]


def train_main() -> None:
    """Run ``mnist-train``, or ``mnist-train sweep``, with the arguments of `sys.argv`."""
    if sys.argv[1:2] == ["sweep"]:
        pkgutil.resolve_name("mnist_trainer.cli.sweep:sweep_main")(sys.argv[2:])
    pkgutil.resolve_name("mnist_trainer.cli.train:train_main")(sys.argv[1:])


def evaluate_main() -> None:
    """Run ``mnist-evaluate`` with the arguments of `sys.argv`."""
    pkgutil.resolve_name("mnist_trainer.cli.evaluate:evaluate_main")(sys.argv[1:])


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

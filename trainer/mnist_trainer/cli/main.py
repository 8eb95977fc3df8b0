"""Entry points of the commands ``mnist-train`` and ``mnist-evaluate``."""

from __future__ import annotations

import argparse

from mnist_trainer.cli.options import run

__all__ = ["evaluate_main", "train_main"]


def train_main() -> None:
    """Run ``mnist-train``, or ``mnist-train sweep``, with the arguments of `sys.argv`."""
    from mnist_trainer.cli.train import train

    run(train, "mnist-train")


def evaluate_main() -> None:
    """Run ``mnist-evaluate`` with the arguments of `sys.argv`."""
    from mnist_trainer.cli.evaluate import evaluate

    run(evaluate, "mnist-evaluate")


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

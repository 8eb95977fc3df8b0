"""Entry points of the commands ``mnist-train`` and ``mnist-evaluate``."""

from __future__ import annotations

from mnist_runtime.system.command import end_at_interrupt

__all__ = ["evaluate_main", "train_main"]


def train_main() -> None:
    """Run ``mnist-train``, or ``mnist-train sweep``, with the arguments of `sys.argv`."""
    end_at_interrupt()
    from mnist_trainer.cli.options import run
    from mnist_trainer.cli.train import train

    run(train, "mnist-train")


def evaluate_main() -> None:
    """Run ``mnist-evaluate`` with the arguments of `sys.argv`."""
    end_at_interrupt()
    from mnist_trainer.cli.evaluate import evaluate
    from mnist_trainer.cli.options import run

    run(evaluate, "mnist-evaluate")

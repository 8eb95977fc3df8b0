"""Entry point of ``mnist-export``."""

from __future__ import annotations

from typing import NoReturn

from mnist_runtime.system.command import end_at_interrupt

__all__ = ["main"]


def main() -> NoReturn:
    """Run ``mnist-export`` with the arguments of `sys.argv` and leave the process."""
    end_at_interrupt()
    from mnist_exporters.cli.export import export_command
    from mnist_trainer.cli.options import run

    run(export_command, "mnist-export")

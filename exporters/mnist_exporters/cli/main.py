"""Entry point of ``mnist-export``."""

from __future__ import annotations

from typing import NoReturn

from mnist_trainer.cli.options import run

__all__ = ["main"]


def main() -> NoReturn:
    """Run ``mnist-export`` with the arguments of `sys.argv` and leave the process."""
    from mnist_exporters.cli.export import export_command

    run(export_command, "mnist-export")

"""Find the checkout and run its commands and tools in child processes."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

from mnist_runtime import ToolkitError

__all__ = ["ROOT", "ToolError", "command", "environment", "module", "output_of", "tool"]

ROOT = Path(__file__).resolve().parents[2]
"""Root folder of the repository."""


class ToolError(ToolkitError):
    """A tool must stop, for example because a program that it runs fails. Exit code 1."""


def command(line: str, *arguments: object) -> list[str]:
    """Return the command line of one of the project's commands.

    Parameters
    ----------
    line : str
        Name of the command and arguments without spaces, such as ``"mnist-export --json"``.
    *arguments : object
        Further arguments, which may contain spaces.
    """
    program, *words = line.split()
    return [str(Path(sys.executable).with_name(program)), *words, *map(str, arguments)]


def tool(line: str, *arguments: object) -> list[str]:
    """Return the command line of a tool, given by group, name and arguments without spaces, such as ``"pi check"``."""
    return [*module("mnist_tools", *line.split()), *map(str, arguments)]


def module(name: str, *arguments: object) -> list[str]:
    """Return the command line that runs a module with this Python. It needs `environment`."""
    return [sys.executable, "-m", name, *map(str, arguments)]


def environment(**changes: str) -> dict[str, str]:
    """Return the environment for child processes: they find this package, and `changes` are applied."""
    path = os.pathsep.join(filter(None, (str(ROOT / "scripts"), os.environ.get("PYTHONPATH"))))
    return {**os.environ, "PYTHONPATH": path, **changes}


def output_of(words: Sequence[str], allowed: Sequence[int] = (0,), env: Mapping[str, str] | None = None) -> str:
    """Run a program in the root folder and return what it prints on stdout; stderr goes to the terminal.

    Raises
    ------
    ToolError
        If its exit code is not one of those `allowed`.
    """
    done = subprocess.run(words, cwd=ROOT, env=env or environment(), stdout=subprocess.PIPE, text=True, check=False)
    if done.returncode not in allowed:
        raise ToolError(f"`{' '.join(words)}` failed with exit code {done.returncode}. See its message above.")
    return done.stdout

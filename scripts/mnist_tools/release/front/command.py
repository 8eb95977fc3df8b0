"""Write docs/pictures/terminal.svg and docs/pictures/front-*.png, the pictures of README.md, from real runs."""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

from mnist_runtime.system.atomic import atomic_write
from mnist_tools.checkout import ROOT, ToolError, command, environment
from mnist_tools.release.front.drawing import terminal_svg
from mnist_tools.release.front.recording import record
from mnist_tools.release.front.screenshots import THEMES, front_picture

__all__ = ["COMMANDS", "PICTURES", "main"]

PICTURES = ROOT / "docs" / "pictures"
COMMANDS = (
    "mnist-export cnn --quantize",
    "mnist-runtime classify --model exported/cnn-int8.tflite examples/seven.png",
    "mnist-runtime self-test exported/cnn-int8.tflite",
    "# change one byte of the file",
    "printf '?' | dd of=exported/cnn-int8.tflite seek=9000 bs=1 conv=notrunc status=none",
    "mnist-runtime classify --model exported/cnn-int8.tflite examples/seven.png",
)
"""Commands to record: export and prove, classify, test, change one byte, and classify again."""
EXPORTS = "mnist-export cnn --format all --quantize none --quantize dynamic --quantize int8 --report report"
"""The exports that the report compares."""


def main(argv: Sequence[str] | None = None) -> int:
    """Record the terminal and take the screenshots."""
    parser = argparse.ArgumentParser(prog="scripts/tool release front", description=__doc__)
    parser.add_argument("--only", choices=("terminal", "picture"), help="write only this one")
    parser.add_argument("--report", type=Path, metavar="DIR", help="photograph this report instead of a new one")
    arguments = parser.parse_args(argv)
    with tempfile.TemporaryDirectory() as work:
        if arguments.only != "picture":
            _write(PICTURES / "terminal.svg", _terminal(Path(work)).encode())
        if arguments.only != "terminal":
            report = arguments.report or _report(Path(work))
            for theme in THEMES:
                _write(PICTURES / f"front-{theme}.png", front_picture(report / "report.html", theme))
    return 0


def _terminal(work: Path) -> str:
    """Type the commands in an empty folder, and return the picture of the terminal."""
    (work / "examples").symlink_to(ROOT / "examples")
    path = os.pathsep.join([str(Path(sys.executable).parent), os.environ.get("PATH", "")])
    return terminal_svg(record(COMMANDS, work, environment(PATH=path, TF_CPP_MIN_LOG_LEVEL="3")))


def _report(work: Path) -> Path:
    """Export, and return the folder of the report. Its paths are as in a clone."""
    done = subprocess.run(command(EXPORTS), cwd=work, env=environment(), check=False)
    if done.returncode:
        raise ToolError(f"`{EXPORTS}` failed with exit code {done.returncode}. See its message above.")
    return work / "report"


def _write(path: Path, content: bytes) -> None:
    with atomic_write(path) as temporary:
        temporary.write_bytes(content)
    print(path)

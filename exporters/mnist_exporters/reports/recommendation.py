"""Texts of a report: how to use a file, and which other files are worth a look beside the recommended one."""

from __future__ import annotations

import math
import shlex
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from mnist_exporters.formats.c_pair import identifier

if TYPE_CHECKING:
    from mnist_exporters.proof.report import ExportReport
    from mnist_exporters.reports.candidate import Candidate

__all__ = ["RunnerUp", "commands_for", "next_step", "runners_up"]

DEVICE = "pi@raspberrypi.local"
"""Placeholder for the user's device in commands, the same as in the help."""
SMALLEST_PI, CONTROLLER = "pi-zero", "mcu"
"""Keys of `TARGETS` for which a report names a file."""


class RunnerUp(NamedTuple):
    """A file that is better than the recommended one in some respect. `why` names the respects."""

    why: str
    row: Candidate


def _commands_of_python(path: Path) -> tuple[str, ...]:
    file = shlex.quote(str(path))
    return (f"mnist-export deploy {file} {DEVICE}", f"mnist-runtime classify --model {file} PICTURE")


def _c_step(path: Path) -> str:
    return (
        f"Use it in C: compile {path.name} into your program, include {path.with_suffix('.h').name} and call "
        f"{identifier(path.stem)}_classify(pixels). examples/c shows a whole program."
    )


def _tflm_step(path: Path) -> str:
    return (
        f"Use it with TensorFlow Lite Micro: compile {path.with_suffix('.cc').name} into your program and include "
        f"{path.name}."
    )


COMMANDS: dict[str, Callable[[Path], tuple[str, ...]]] = {"tflite": _commands_of_python, "onnx": _commands_of_python}
"""Format -> the commands for a file: the first one is for a Pi."""

STEPS: dict[str, Callable[[Path], str]] = {
    "c": _c_step,
    "tflm": _tflm_step,
    "web": lambda path: f"Open {path.name} in a browser and draw a digit.",
}
"""Format that no command uses -> text that says how to use a file."""


def commands_for(report: ExportReport) -> tuple[str, ...]:
    """Return the commands that use a proven file, the one for a Pi first; empty if no command can use it."""
    return COMMANDS[report.format](report.path) if report.path and report.format in COMMANDS else ()


def next_step(report: ExportReport) -> str:
    """Return a text: how to use a proven file that no command uses; empty for other files."""
    if report.path and report.package:
        return report.package.next_step
    return STEPS[report.format](report.path) if report.path and report.format in STEPS else ""


def runners_up(
    rows: Sequence[Candidate], best: Candidate | None, time: Callable[[Candidate], float]
) -> tuple[RunnerUp, ...]:
    """Return the proven files that are smaller, faster or for smaller devices than the recommended one.

    Parameters
    ----------
    rows : sequence of Candidate
        All files.
    best : Candidate or None
        The recommended one.
    time : callable
        Function that returns the median microseconds of a file; infinite if not measured.
    """
    proven = [row for row in rows if row.report.path]
    if not proven or best is None:
        return ()
    found: dict[int, list[str]] = {}

    def add(why: str, among: Sequence[Candidate], key: Callable[[Candidate], float]) -> None:
        if among and (row := min(among, key=key)) is not best:
            found.setdefault(proven.index(row), []).append(why)

    measured = [row for row in proven if math.isfinite(time(row))]
    add("the smallest file", proven, lambda row: row.report.size_bytes)
    add("the fastest", measured, time)
    if SMALLEST_PI not in best.targets:
        add("runs on a Pi Zero", _for(SMALLEST_PI, proven), time)
    if CONTROLLER not in best.targets or not math.isfinite(time(best)):
        add("for a microcontroller", _for(CONTROLLER, proven), lambda row: row.report.model_bytes)
    return tuple(RunnerUp(", ".join(why), proven[number]) for number, why in found.items())


def _for(target: str, rows: Sequence[Candidate]) -> list[Candidate]:
    return [row for row in rows if target in row.targets]

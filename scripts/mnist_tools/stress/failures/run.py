"""Run one command under one failure, and judge exit code, message, results and files."""

from __future__ import annotations

import json
import os
import subprocess
import time
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from mnist_exporters.formats.plugin import load_plugin
from mnist_runtime import ToolkitError, self_test
from mnist_tools.checkout import environment

__all__ = ["DONE", "MACHINE", "Case", "problem_of"]

DONE = frozenset({0})
MACHINE = frozenset({2})
"""Allowed exit codes: `DONE` of a command that succeeds, `MACHINE` of one that fails because of the machine."""

TIME_LIMIT = 900


@dataclass(frozen=True)
class Case:
    """One test case: a command, a failure, and the allowed exit codes.

    Parameters
    ----------
    name : str
        Description of the failure.
    words : sequence of str
        The command.
    folder : Path
        An empty folder for its output.
    codes : collection of int
        Exit codes that are right.
    shell : str
        What a shell adds behind the command, such as ``>&-``, or does before it, up to ``;``.
    variables : dict
        Changes of the environment.
    stop : tuple of float and int, optional
        Seconds after which a signal is sent, and the signal.
    """

    name: str
    words: Sequence[str]
    folder: Path
    codes: Collection[int] = DONE
    shell: str = ""
    variables: Mapping[str, str] = field(default_factory=dict)
    stop: tuple[float, int] | None = None

    def run(self) -> subprocess.CompletedProcess[bytes]:
        """Run the command to its end."""
        before, _, behind = self.shell.rpartition(";")
        line = f'{before or ":"}; exec "$0" "$@" {behind}'
        started = subprocess.Popen(
            ["bash", "-c", line, *self.words],
            env=environment(**self.variables),
            cwd=self.folder,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            stdin=subprocess.DEVNULL,
        )
        if self.stop:
            try:
                started.wait(self.stop[0])
            except subprocess.TimeoutExpired:
                started.send_signal(self.stop[1])
        out, words = started.communicate(timeout=TIME_LIMIT)
        return subprocess.CompletedProcess(list(self.words), started.returncode, out, words)


def problem_of(case: Case) -> str:
    """Run `case`; return what is wrong, or an empty string."""
    done = case.run()
    text = done.stderr.decode(errors="replace")
    if done.returncode not in case.codes:
        return f"exit code {done.returncode}: {text[-300:]}"
    if "Traceback" in text or "unexpected" in text or "This is a bug" in text:
        return f"a traceback or a bug: {text[-300:]}"
    errors = [line for line in text.splitlines() if line.startswith("error: ")]
    if done.returncode in (2, 5, 6) and "2>" not in case.shell and len(errors) != 1:
        return f"{len(errors)} error lines: {text[-300:]}"
    if "--json" in case.words and done.returncode == 0 and ">&-" not in case.shell.replace("2>&-", ""):
        try:
            json.loads(done.stdout)
        except ValueError:
            return f"no JSON on stdout: {done.stdout[:200]!r}"
    return _problem_of_files(case.folder)


def _problem_of_files(folder: Path) -> str:
    """Return what is wrong with the files below `folder`: hidden leftovers, or an exported file that is not whole."""
    time.sleep(0.1)
    for path in sorted(folder.rglob("*")):
        if path.name.startswith(".mnist-"):
            return f"left over: {os.fsencode(path.name)!r}"
        if path.suffix == ".tflite":
            try:
                load_plugin("tflite").open(path)
                if not self_test(path).passed:
                    return "the file does not pass its self-test"
            except ToolkitError as error:
                return f"the file is not whole: {error}"
    return ""

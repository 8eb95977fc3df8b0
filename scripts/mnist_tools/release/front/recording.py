"""`record`: type commands in a terminal of 100 columns, and keep what it shows with the time of each line."""

from __future__ import annotations

import fcntl
import os
import pty
import struct
import subprocess
import termios
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import pyte

__all__ = ["COLUMNS", "Line", "Span", "record"]

COLUMNS, ROWS = 100, 200
"""Size of the terminal; so many rows that no line leaves it."""


@dataclass(frozen=True)
class Span:
    """Characters of one color: a name of `pyte`, or six hexadecimal digits."""

    text: str
    color: str = "default"
    is_bold: bool = False


@dataclass(frozen=True)
class Line:
    """A line of the terminal.

    Parameters
    ----------
    seconds : float
        Time from the beginning of its command until its last change; of a command, the time that it took.
    spans : tuple of Span
        What it shows.
    is_command : bool
        Whether it was typed.
    """

    seconds: float
    spans: tuple[Span, ...]
    is_command: bool = False

    @property
    def text(self) -> str:
        """The line without colors."""
        return "".join(span.text for span in self.spans)


def record(commands: Sequence[str], folder: Path, environment: Mapping[str, str]) -> list[Line]:
    """Run each command with a shell in a terminal, and return the lines with their final text.

    Lines that a progress display has deleted again are not among them.
    """
    lines: list[Line] = []
    for command in commands:
        printed, seconds = _printed(command, folder, environment)
        lines += [Line(seconds, (Span(command),), is_command=True), *printed]
    return lines


def _printed(command: str, folder: Path, environment: Mapping[str, str]) -> tuple[list[Line], float]:
    screen = pyte.Screen(COLUMNS, ROWS)
    stream = pyte.ByteStream(screen)
    ours, theirs = pty.openpty()
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", ROWS, COLUMNS, 0, 0))
    began = time.monotonic()
    process = subprocess.Popen(
        ["bash", "-c", command],
        cwd=folder,
        env={**environment, "TERM": "xterm-256color", "COLUMNS": str(COLUMNS), "LINES": str(ROWS)},
        stdin=theirs,
        stdout=theirs,
        stderr=theirs,
        start_new_session=True,
    )
    os.close(theirs)
    changed: dict[int, float] = {}
    shown: list[str] = [""] * ROWS
    while content := _read(ours):
        stream.feed(content)
        for row, text in enumerate(line.rstrip() for line in screen.display):
            if text != shown[row]:
                shown[row], changed[row] = text, time.monotonic() - began
    process.wait()
    os.close(ours)
    last = max((row for row, text in enumerate(shown) if text), default=-1)
    lines = [Line(changed.get(row, 0.0), _spans(screen, row, len(shown[row]))) for row in range(last + 1)]
    return lines, time.monotonic() - began


def _read(descriptor: int) -> bytes:
    """Return new output of the terminal; nothing after its last program has ended."""
    try:
        return os.read(descriptor, 65536)
    except OSError:  # Linux reports the end of a terminal as EIO
        return b""


def _spans(screen: pyte.Screen, row: int, length: int) -> tuple[Span, ...]:
    """Return the characters of a row, those of one color together."""
    spans: list[Span] = []
    for column in range(length):
        sign = screen.buffer[row][column]
        color, bold = str(sign.fg), bool(sign.bold)
        if spans and (spans[-1].color, spans[-1].is_bold) == (color, bold):
            spans[-1] = Span(spans[-1].text + sign.data, color, bold)
        else:
            spans.append(Span(sign.data, color, bold))
    return tuple(spans)

"""`CsvFile`: append values to a CSV file, whole lines only, and read the last good ones."""

from __future__ import annotations

import calendar
import contextlib
import csv
import io
import math
import os
import time
from collections import deque
from collections.abc import Iterator, Sequence
from pathlib import Path

from mnist_runtime.errors import OutputError, UsageError, counted
from mnist_runtime.reading.metering.values import Value
from mnist_runtime.system.command import warn

__all__ = ["CsvFile", "utc_now"]

MOST_WAITING = 10_000
"""Lines that wait in memory while the disk is full."""

LONGEST_AGE = 31 * 86_400.0
"""Largest age of a value, in seconds; also used if the clock is wrong."""
FORM = "%Y-%m-%dT%H:%M:%SZ"

COLUMNS = ("time", "name", "value", "unit", "digits", "state")


class CsvFile:
    """A file with a line for each change of a value: time (UTC), name, value, unit, digits and state.

    Parameters
    ----------
    path : str or Path
        The file. It is created with a header if it does not exist. If its last line is cut off, as by a power failure,
        the next one begins on a new line.

    Raises
    ------
    UsageError
        If it has another header, or cannot be read or written.
    """

    def __init__(self, path: str | Path) -> None:
        self.path = Path(path)
        try:
            with self.path.open("a+b") as file:
                file.seek(0)
                content = file.read()
        except OSError as error:
            raise UsageError(f"Cannot use {path}: {error.strerror}. Check the path.") from error
        first = content.split(b"\n", 1)[0].decode("utf-8", "replace").strip("\r")
        if content and first != ",".join(COLUMNS):
            raise UsageError(f"{path} does not begin with the line {','.join(COLUMNS)}. Choose another file.")
        self._waiting: deque[str] = deque(maxlen=MOST_WAITING)
        self._is_failing = False
        self._start = "" if content.endswith(b"\n") else "\n"

    def append(self, values: Sequence[Value]) -> None:
        """Append a line for each value, and sync them to the disk.

        If the disk is full, the lines wait in memory, at most 10,000, and are written with the next ones; a warning is
        printed once.
        """
        now = utc_now()
        for value in values:
            number = "" if value.number is None else repr(value.number)
            self._waiting.append(_line((now, value.name, number, value.unit, value.text, value.state)))
        try:
            self._write("".join(self._waiting))
        except OSError as error:
            if not self._is_failing:
                warn(f"warning: Cannot write into {self.path}: {error.strerror or error}. Lines stay in memory.")
            self._is_failing = True
            return
        self._start, self._is_failing = "", False
        self._waiting.clear()

    def close(self) -> None:
        """Write the waiting lines.

        Raises
        ------
        OutputError
            If they cannot be written.
        """
        if self._waiting:
            self.append([])
        if self._waiting:
            raise OutputError(
                f"{counted(len(self._waiting), 'line')} could not be written into {self.path}. Free some space."
            )

    def _write(self, lines: str) -> None:
        descriptor = os.open(self.path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o644)
        try:
            size = os.fstat(descriptor).st_size
            start = self._start if size else _line(COLUMNS)  # the file may have been moved
            try:
                unwritten = memoryview((start + lines).encode())
                while unwritten:
                    unwritten = unwritten[os.write(descriptor, unwritten) :]
                os.fsync(descriptor)
            except OSError:
                with contextlib.suppress(OSError):
                    os.ftruncate(descriptor, size)  # no half line stays
                raise
        finally:
            os.close(descriptor)

    def last_good(self) -> dict[str, float]:
        """Return the last value of each name. Lines that cannot be read are ignored."""
        return {name: value for name, value, _, _ in self._values()}

    def ages(self) -> dict[str, float]:
        """Return how many seconds ago the last value of each name was read, at most 31 days.

        A line with a time in the future, as after a start with a wrong clock, counts as 31 days old.
        """
        now, ages = time.time(), dict[str, float]()
        for name, _, moment, state in self._values():
            if state == "good" or name not in ages:  # the others repeat an older value
                ages[name] = now - calendar.timegm(moment)
        return {name: age if 0 <= age < LONGEST_AGE else LONGEST_AGE for name, age in ages.items()}

    def _values(self) -> Iterator[tuple[str, float, time.struct_time, str]]:
        if not self.path.exists():
            return
        with self.path.open(encoding="utf-8", errors="replace", newline="") as file:
            rows = csv.DictReader(file)
            while True:
                with contextlib.suppress(csv.Error, ValueError, TypeError):
                    if (row := next(rows, None)) is None:
                        return
                    if math.isfinite(value := float(row["value"])):
                        yield row["name"], value, time.strptime(row["time"], FORM), row["state"]


def utc_now() -> str:
    """Return the time in the format of the file, such as 2026-03-01T12:00:00Z."""
    return time.strftime(FORM, time.gmtime())


def _line(cells: Sequence[str]) -> str:
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerow(cells)
    return text.getvalue()

"""`Tally`: the outcomes of a fuzzed reader, in a file that survives the end of its process."""

from __future__ import annotations

import mmap
import struct
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from mnist_runtime.errors import ToolkitError

if TYPE_CHECKING:
    from mnist_tools.stress.fuzzing.readers import Reader

__all__ = ["OUTCOMES", "Tally"]

OUTCOMES = ("answered", "refused", "crashed", "wrong")
LAYOUT = struct.Struct(f"<{len(OUTCOMES)}Q")
LONGEST_MESSAGE = 1000
"""Largest number of characters in the message of a rejected input."""


@dataclass(frozen=True)
class Tally:
    """Counts of `OUTCOMES`.

    Parameters
    ----------
    memory : mmap.mmap
        The counts, shared with a file.
    """

    memory: mmap.mmap

    @classmethod
    def open(cls, path: Path) -> Tally:
        """Open or create the file of the counts."""
        if not path.exists():
            path.write_bytes(bytes(LAYOUT.size))
        with path.open("r+b") as file:
            return cls(mmap.mmap(file.fileno(), LAYOUT.size))

    def counts(self) -> dict[str, int]:
        """Return the number of inputs with each outcome."""
        return dict(zip(OUTCOMES, LAYOUT.unpack(self.memory[:]), strict=True))

    def add(self, outcome: str) -> None:
        """Count one input."""
        counts = self.counts()
        counts[outcome] += 1
        self.memory[:] = LAYOUT.pack(*counts.values())

    def count(self, reader: Reader, content: bytes) -> tuple[str, BaseException | None]:
        """Let a reader read an input and count the outcome; return it, and the error of a crash or wrong answer."""
        outcome, problem = outcome_of(reader, content)
        self.add(outcome)
        return outcome, problem


def outcome_of(reader: Reader, content: bytes) -> tuple[str, BaseException | None]:
    """Return the outcome of an input. A rejection whose message is not one short line counts as a crash."""
    from mnist_tools.stress.fuzzing.readers import WrongAnswerError

    try:
        reader.read(content)
    except ToolkitError as error:
        message = str(error)
        if message.isprintable() and len(message) < LONGEST_MESSAGE:
            return "refused", None
        return "crashed", error
    except WrongAnswerError as error:
        return "wrong", error
    except (KeyboardInterrupt, SystemExit):
        raise
    except BaseException as error:
        return "crashed", error
    return "answered", None

"""`Table`: read a FlatBuffer with `struct` alone, every access checked against the bytes that are there.

A FlatBuffer holds tables, and a table names its fields by number. At a table's position lies a signed 32-bit distance
back to its vtable, a row of 16-bit numbers: the size of the vtable, the size of the table, and for each field how far
into the table it lies (0: it has its default). Strings, vectors and other tables are referred to by an unsigned 32-bit
distance forward. All numbers are little-endian.

Source: FlatBuffers, "Internals", https://flatbuffers.dev/internals/.

Nothing is followed but what a caller asks for, by a path as long as the caller's code, so that no file, however
damaged, makes reading endless; a vector is never longer than the file.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from mnist_runtime.errors import ArtifactError

__all__ = ["Table"]

OFFSET = 4
"""Bytes of a distance, and of the length before a vector."""
LONGEST_TEXT = 1000
"""Bytes of a string that are read: names are for messages."""
MOST_TABLES = 1 << 14
"""Of a vector; a digit model has some ten to some hundred tensors."""


@dataclass(frozen=True)
class Table:
    """One table of a FlatBuffer.

    Parameters
    ----------
    content : bytes
        The whole file.
    position : int
        Where in it the table begins.

    Examples
    --------
    A file of one table with one field, the 16-bit number 7:

    >>> content = struct.pack("<I", 10) + struct.pack("<HHH", 6, 6, 4) + struct.pack("<ih", 6, 7)
    >>> Table.root(content).number(0, "h"), Table.root(content).number(1, "h", default=1)
    (7, 1)
    """

    content: bytes
    position: int

    @classmethod
    def root(cls, content: bytes) -> Table:
        """Return the table that the file `content` begins with."""
        return cls(content, _number(content, 0, "I"))

    def number(self, field: int, code: str, default: Any = 0) -> Any:
        """Return a number, by the `code` that `struct` has for its type; `default` where the file leaves it out."""
        place = self._place(field)
        return default if place is None else _number(self.content, place, code)

    def table(self, field: int) -> Table | None:
        """Return another table, None where the file leaves it out."""
        place = self._place(field)
        return None if place is None else Table(self.content, self._follow(place))

    def tables(self, field: int) -> list[Table]:
        """Return a vector of tables, empty where the file leaves it out; refused where they are very many.

        All may be the same table, so that in Python's memory they take far more than in the file.
        """
        start, length = self._vector(field, OFFSET)
        if length > MOST_TABLES:
            raise _too_many(MOST_TABLES, "tables", length)
        return [Table(self.content, self._follow(start + OFFSET * index)) for index in range(length)]

    def numbers(self, field: int, dtype: str, most: int | None = None) -> npt.NDArray[Any]:
        """Return a vector of numbers as an array of `dtype`, empty where the file leaves it out; `most` is its limit.

        Nothing is copied; a caller who goes through the numbers one by one sets a limit, since the vectors of a
        damaged file may lie over each other and be together far longer than the file.
        """
        kind = np.dtype(dtype).newbyteorder("<")
        start, length = self._vector(field, kind.itemsize)
        if most is not None and length > most:
            raise _too_many(most, "numbers", length)
        return np.frombuffer(self.content, kind, length, start)

    def text(self, field: int) -> str:
        """Return a string, empty where the file leaves it out."""
        return self.numbers(field, "uint8")[:LONGEST_TEXT].tobytes().decode(errors="replace")

    def _place(self, field: int) -> int | None:
        """Return where a field lies in the file, None where it has its default."""
        vtable = self.position - _number(self.content, self.position, "i")
        size = _number(self.content, vtable, "H")
        entry = 4 + 2 * field
        distance = _number(self.content, vtable + entry, "H") if entry + 2 <= size else 0
        return self.position + distance if distance else None

    def _follow(self, place: int) -> int:
        return place + int(_number(self.content, place, "I"))

    def _vector(self, field: int, itemsize: int) -> tuple[int, int]:
        """Return where a vector's first item lies and how many there are."""
        place = self._place(field)
        if place is None:
            return 0, 0
        start = self._follow(place)
        length = _number(self.content, start, "I")
        _require(self.content, start + OFFSET, itemsize * length)
        return start + OFFSET, length


def _number(content: bytes, position: int, code: str) -> Any:
    layout = struct.Struct("<" + code)
    _require(content, position, layout.size)
    return layout.unpack_from(content, position)[0]


def _require(content: bytes, position: int, size: int) -> None:
    if not 0 <= position <= position + size <= len(content):
        raise ArtifactError(
            f"Expected a whole TFLite file, received one of {len(content)} bytes that refers to {size} bytes at "
            f"{position}: it is damaged; copy or export it again."
        )


def _too_many(most: int, what: str, received: int) -> ArtifactError:
    return ArtifactError(
        f"Expected a TFLite file with at most {most} {what} here, received {received}: it is damaged; copy or export "
        "it again."
    )

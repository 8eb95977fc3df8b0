"""`Table`: read a FlatBuffer with `struct`. Every access is checked against the length of the file.

Only requested fields are followed, and no vector is longer than the file. So reading a damaged file ends, too.
Source of the layout: FlatBuffers, "Internals", https://flatbuffers.dev/internals/.
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
"""Bytes of a distance, and of a vector's length."""
LONGEST_TEXT = 100
"""Bytes of a string that are read. Strings are only used in messages."""
MOST_TABLES = 1 << 14
"""Tables in a vector. A digit model has ten to a few hundred tensors."""


@dataclass(frozen=True)
class Table:
    """One table of a FlatBuffer: the whole file, and the position of the table."""

    content: bytes
    position: int

    @classmethod
    def root(cls, content: bytes) -> Table:
        """Return the root table of the file `content`."""
        return cls(content, _number(content, 0, "I"))

    def number(self, field: int, code: str, default: Any = 0) -> Any:
        """Return a number of the type with this `struct` code, or `default` if the file omits it."""
        place = self._place(field)
        return default if place is None else _number(self.content, place, code)

    def table(self, field: int) -> Table | None:
        """Return another table, or None if the file omits it."""
        place = self._place(field)
        return None if place is None else Table(self.content, self._follow(place))

    def tables(self, field: int) -> list[Table]:
        """Return a vector of tables, empty if the file omits it, with a limit on their number.

        In a damaged file, all can be the same table.
        """
        start, length = self._vector(field, OFFSET)
        if length > MOST_TABLES:
            raise _too_many(MOST_TABLES, "tables", length)
        return [Table(self.content, self._follow(start + OFFSET * index)) for index in range(length)]

    def numbers(self, field: int, dtype: str, most: int | None = None) -> npt.NDArray[Any]:
        """Return a vector of at most `most` numbers as an array of `dtype`, empty if the file omits it.

        The array is a view. Loops over it need a limit, because vectors of a damaged file can overlap.
        """
        kind = np.dtype(dtype).newbyteorder("<")
        start, length = self._vector(field, kind.itemsize)
        if most is not None and length > most:
            raise _too_many(most, "numbers", length)
        return np.frombuffer(self.content, kind, length, start)

    def text(self, field: int) -> str:
        """Return a string, empty if the file omits it."""
        return self.numbers(field, "uint8")[:LONGEST_TEXT].tobytes().decode(errors="replace")

    def _place(self, field: int) -> int | None:
        vtable = self.position - _number(self.content, self.position, "i")
        size = _number(self.content, vtable, "H")
        if size < 4 or size % 2:  # the verifier of FlatBuffers rejects it, and other readers round it up
            raise ArtifactError(
                f"The TFLite file is damaged: the list of fields at {vtable} has {size} bytes. Copy or export it again."
            )
        entry = 4 + 2 * field
        distance = _number(self.content, vtable + entry, "H") if entry + 2 <= size else 0
        return self.position + distance if distance else None

    def _follow(self, place: int) -> int:
        return place + int(_number(self.content, place, "I"))

    def _vector(self, field: int, itemsize: int) -> tuple[int, int]:
        """Return the position of a vector's first item and the number of items."""
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
            f"The TFLite file is damaged: it has {len(content)} bytes, but refers to {size} bytes at {position}. "
            "Copy or export it again."
        )


def _too_many(most: int, what: str, received: int) -> ArtifactError:
    return ArtifactError(
        f"The TFLite file is damaged: it has {received} {what} where at most {most} are allowed. "
        "Copy or export it again."
    )

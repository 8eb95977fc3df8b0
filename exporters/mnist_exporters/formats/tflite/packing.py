"""`packed`: serialize a ``.tflite`` model, with each vector and each string stored once."""

from __future__ import annotations

from typing import Any

import flatbuffers

__all__ = ["SharingBuilder", "packed"]

LENGTH = 4
"""Bytes of a vector's length, before its first element."""


class SharingBuilder(flatbuffers.Builder):  # type: ignore[misc]  # flatbuffers has no types
    """A builder that refers to an earlier vector of numbers or string if it has the same bytes.

    A quantized convolution has a zero point for each of its channels, 8 bytes each and all 0, and its bias has them
    again. Readers follow a distance to a vector, and it does not matter to them who else refers to it. FlatBuffers
    itself does the same with vtables and, on request, with strings.

    A vector of tables or strings holds distances from its own place, so it is always written.
    """

    def __init__(self, size: int = 1024) -> None:
        super().__init__(size)
        self._begin: tuple[int, int] | None = None
        self._written: dict[bytes, list[int]] = {}
        self._strings: dict[bytes, int] = {}

    def StartVector(self, elemSize: int, numElems: int, alignment: int) -> int:  # noqa: N802, N803
        """See `flatbuffers.Builder.StartVector`."""
        before = self.Offset()
        start: int = super().StartVector(elemSize, numElems, alignment)
        self._begin = before, alignment
        return start

    def PrependUOffsetTRelative(self, off: int) -> None:  # noqa: N802
        """See `flatbuffers.Builder.PrependUOffsetTRelative`."""
        self._begin = None
        super().PrependUOffsetTRelative(off)

    def EndVector(self, numElems: int | None = None) -> int:  # noqa: N802, N803
        """See `flatbuffers.Builder.EndVector`."""
        begin, self._begin = self._begin, None
        end: int = super().EndVector(numElems)
        if begin is None:
            return end
        before, alignment = begin
        head = len(self.Bytes) - end
        # From the length to what was written before; the padding behind the elements is part of it, and all zeros.
        same = self._written.setdefault(bytes(self.Bytes[head : len(self.Bytes) - before]), [])
        for earlier in same:
            if (earlier - LENGTH) % alignment == 0:
                self.head = len(self.Bytes) - before
                return earlier
        same.append(end)
        return end

    def CreateString(self, s: str | bytes, encoding: str = "utf-8", errors: str = "strict") -> int:  # noqa: N802
        """See `flatbuffers.Builder.CreateString`."""
        text = s.encode(encoding, errors) if isinstance(s, str) else s
        if text not in self._strings:
            self._strings[text] = super().CreateString(text)
        return self._strings[text]


def packed(model: Any, size: int = 1024) -> bytes:
    """Serialize a model; `size` is about the number of its bytes."""
    builder = SharingBuilder(size)
    builder.Finish(model.Pack(builder), b"TFL3")
    return bytes(builder.Output())

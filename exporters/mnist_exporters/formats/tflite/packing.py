"""`packed`: serialize a ``.tflite`` model so that equal vectors and equal strings are stored only once."""

from __future__ import annotations

from typing import Any

import flatbuffers

__all__ = ["SharingBuilder", "packed"]

LENGTH = 4
"""Bytes that hold the length of a vector, before its first element."""


class SharingBuilder(flatbuffers.Builder):  # type: ignore[misc]  # flatbuffers has no types
    """A FlatBuffers builder that does not repeat a vector of numbers or a string with the same bytes.

    A quantized convolution stores a zero point of 8 bytes for each channel, all 0, and its bias stores them again.
    FlatBuffers refers to a vector by its offset, so several references to one vector are valid. FlatBuffers itself
    shares vtables in this way and, on request, strings.

    A vector of tables or strings contains offsets relative to its own position. So it cannot be shared.
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
        # The bytes from the length field to the data written before, with the zero padding after the elements.
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
    """Serialize a model (a `schema.ModelT`). `size` is the initial size of the buffer in bytes."""
    builder = SharingBuilder(size)
    builder.Finish(model.Pack(builder), b"TFL3")
    return bytes(builder.Output())

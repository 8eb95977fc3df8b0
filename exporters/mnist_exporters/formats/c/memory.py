"""`Memory`: the memory plan of a program, which puts all tensors into one static buffer."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from mnist_exporters.formats.c.graph import Program

__all__ = ["Memory", "scratch_number"]

ALIGNMENT = 4
"""Offset of each tensor is a multiple of this, in bytes."""


def scratch_number(place: int) -> int:
    """Return the key in `Memory.offsets` for the working memory of step number `place`; it is negative."""
    return -1 - place


@dataclass(frozen=True)
class Memory:
    """Offset of each tensor in the buffer, and the size of the buffer.

    Parameters
    ----------
    offsets : mapping of int to int
        Tensor number -> offset in the buffer, in bytes. Constants and the scores are not in the buffer. The key for
        the working memory of a step is `scratch_number`.
    size : int
        Size of the buffer in bytes.
    """

    offsets: Mapping[int, int]
    size: int

    @classmethod
    def of(cls, program: Program) -> Memory:
        """Plan the buffer. The memory of a tensor is reused after the last step that reads it.

        The largest blocks are placed first, each at the lowest offset that is free while it is needed. The pixels also
        get memory, because the self-test unpacks its images there.
        """
        blocks = _blocks(program)
        placed: list[_Block] = []
        for block in sorted(blocks, key=lambda each: (-each.size, each.parts[0].first)):
            places = sorted({0, *(other.offset + part.size for other in placed for part in other.parts)})
            block.offset = next(place for place in places if all(block.fits(place, other) for other in placed))
            placed.append(block)
        offsets = {part.number: block.offset for block in blocks for part in block.parts}
        return cls(offsets, max(block.offset + block.size for block in blocks))


class _Part(NamedTuple):
    """A tensor, its size in bytes, and the first and last step in which it is needed."""

    number: int
    size: int
    first: int
    last: int


@dataclass
class _Block:
    """Tensors that share one offset. Each is computed in place from the one before it, and overwrites it."""

    parts: list[_Part]
    offset: int = 0

    @property
    def size(self) -> int:
        return max(part.size for part in self.parts)

    def fits(self, place: int, other: _Block) -> bool:
        """Return whether this block can start at offset `place` without overlapping `other` at the same time."""
        return not any(
            part.first <= other_part.last
            and other_part.first <= part.last
            and place < other.offset + other_part.size
            and other.offset < place + part.size
            for part in self.parts
            for other_part in other.parts
        )


def _blocks(program: Program) -> list[_Block]:
    """Return the blocks of all tensors except constants and scores."""
    last: dict[int, int] = {program.input: 0}
    for place, step in enumerate(program.steps):
        for number in step.inputs:
            last[program.storage(number)] = place
    blocks = [_Block([_Part(program.input, _bytes(program, program.input), 0, last[program.input])])]
    block_of = {program.input: blocks[0]}
    for place, step in enumerate(program.steps):
        if step.scratch:
            blocks.append(_Block([_Part(scratch_number(place), _aligned(step.scratch), place, place)]))
        if step.output == program.storage(program.output):
            continue
        part = _Part(step.output, _bytes(program, step.output), place, last.get(step.output, place))
        source = block_of.get(program.storage(step.inputs[0]))
        # Only the latest tensor of a block is still needed, so only that one can be overwritten.
        if step.in_place and source and source.parts[-1].last == place and part.size <= source.parts[-1].size:
            source.parts.append(part)
        else:
            source = _Block([part])
            blocks.append(source)
        block_of[step.output] = source
    return blocks


def _bytes(program: Program, number: int) -> int:
    value = program.values[number]
    return _aligned(value.size * np.dtype(value.dtype).itemsize)


def _aligned(size: int) -> int:
    return -(-size // ALIGNMENT) * ALIGNMENT

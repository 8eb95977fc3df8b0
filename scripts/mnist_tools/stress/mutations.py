"""Fourteen ways to corrupt the bytes of a file, as rows of `MUTATIONS`."""

from __future__ import annotations

from collections.abc import Callable
from random import Random

__all__ = ["MUTATIONS", "Mutation", "mutated"]

Mutation = Callable[[Random, bytes, bytes], bytes]
"""Function of a random generator, a file and another intact file, to the corrupted file."""

EXTREMES = (0, 1, -1, 2, 127, 128, 255, 256, 1 << 15, (1 << 15) - 1, 1 << 16, 1 << 24, 1 << 31, (1 << 31) - 1, 1 << 63)
"""Values at which code often mishandles lengths, offsets and counts."""

SHORTEST = 16
"""Shortest file, in bytes, that every mutation can be applied to."""


def flip_bits(random: Random, content: bytes, _: bytes) -> bytes:
    """Flip one to eight bits at random positions."""
    changed = bytearray(content)
    for _turn in range(random.choice((1, 1, 1, 2, 8))):
        changed[random.randrange(len(changed))] ^= 1 << random.randrange(8)
    return bytes(changed)


def change_bytes(random: Random, content: bytes, _: bytes) -> bytes:
    """Set 1 to 32 bytes at random positions to random values."""
    changed = bytearray(content)
    for _turn in range(random.choice((1, 1, 4, 32))):
        changed[random.randrange(len(changed))] = random.randrange(256)
    return bytes(changed)


def write_extreme(random: Random, content: bytes, _: bytes) -> bytes:
    """Overwrite an aligned 1-, 2-, 4- or 8-byte number with one of `EXTREMES`."""
    size = random.choice((1, 2, 4, 4, 4, 8))
    number = (random.choice(EXTREMES) % (1 << 8 * size)).to_bytes(size, random.choice(("little", "big")))
    start = random.randrange(len(content) // size) * size
    return content[:start] + number + content[start + size :]


def copy_number(random: Random, content: bytes, _: bytes) -> bytes:
    """Copy four aligned bytes, such as a length or an offset, over four others."""
    source, target = (random.randrange(len(content) // 4) * 4 for _turn in range(2))
    return content[:target] + content[source : source + 4] + content[target + 4 :]


def truncate(random: Random, content: bytes, _: bytes) -> bytes:
    """Remove the end."""
    return content[: random.randrange(len(content))]


def cut_out(random: Random, content: bytes, _: bytes) -> bytes:
    """Remove a range."""
    start, end = _range(random, content)
    return content[:start] + content[end:]


def zero(random: Random, content: bytes, _: bytes) -> bytes:
    """Set a range to zeros, like a hole in a sparse file."""
    start, end = _range(random, content)
    return content[:start] + bytes(end - start) + content[end:]


def fill_with_noise(random: Random, content: bytes, _: bytes) -> bytes:
    """Set a range to random bytes."""
    start, end = _range(random, content)
    return content[:start] + random.randbytes(end - start) + content[end:]


def repeat(random: Random, content: bytes, _: bytes) -> bytes:
    """Repeat a range."""
    start, end = _range(random, content)
    return content[:end] + content[start:end] + content[end:]


def insert(random: Random, content: bytes, _: bytes) -> bytes:
    """Insert 1 to 1024 random bytes."""
    place = random.randrange(len(content))
    return content[:place] + random.randbytes(random.choice((1, 4, 64, 1024))) + content[place:]


def append(random: Random, content: bytes, _: bytes) -> bytes:
    """Append a newline, zeros or random bytes."""
    return content + random.choice((b"\n", b"\0", bytes(64), random.randbytes(random.randint(1, 1024))))


def swap_halves(random: Random, content: bytes, _: bytes) -> bytes:
    """Cut the file in two and swap the parts."""
    place = random.randrange(1, len(content))
    return content[place:] + content[:place]


def splice(random: Random, content: bytes, other: bytes) -> bytes:
    """Join the beginning of this file and the end of the other one."""
    return content[: random.randrange(len(content))] + other[random.randrange(len(other)) :]


def swap_header(random: Random, content: bytes, other: bytes) -> bytes:
    """Replace the first 4 to 256 bytes by those of the other file."""
    size = random.choice((4, 8, 16, 64, 256))
    return other[:size] + content[size:]


MUTATIONS: dict[str, Mutation] = {
    "bit flips": flip_bits,
    "changed bytes": change_bytes,
    "extreme number": write_extreme,
    "copied number": copy_number,
    "truncation": truncate,
    "cut out": cut_out,
    "zeroed range": zero,
    "noise": fill_with_noise,
    "repeated range": repeat,
    "inserted bytes": insert,
    "appended bytes": append,
    "swapped halves": swap_halves,
    "splice": splice,
    "swapped header": swap_header,
}
"""Name -> mutation. To add one, write its function and one row."""


def mutated(random: Random, kind: str, content: bytes, other: bytes) -> bytes:
    """Return `content` after the mutation `kind`. The result differs from `content` and from `other`.

    If the file is too short, or the mutation changes nothing in ten tries, bits are flipped instead.
    """
    for _ in range(10):
        damaged = MUTATIONS[kind](random, content, other) if len(content) >= SHORTEST else content
        if damaged not in (content, other):
            return damaged
    return flip_bits(random, content, other) if content else b"\0"


def _range(random: Random, content: bytes) -> tuple[int, int]:
    """Return start and end of a non-empty range. Short and long ranges are equally likely."""
    start = random.randrange(len(content))
    return start, min(len(content), start + random.randint(1, random.choice((4, 64, len(content)))))

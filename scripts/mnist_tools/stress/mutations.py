"""`MUTATIONS`: ways in which the bytes of a file are damaged, one row a way; `mutated` does one of them."""

from collections.abc import Callable
from random import Random

Mutation = Callable[[Random, bytes, bytes], bytes]
"""From a generator, a file and another whole file of the same or another kind to the damaged file."""

EXTREMES = (0, 1, -1, 2, 127, 128, 255, 256, 1 << 15, (1 << 15) - 1, 1 << 16, 1 << 24, 1 << 31, (1 << 31) - 1, 1 << 63)
"""Numbers at which lengths, offsets and counts are commonly mistaken."""

SHORTEST = 16
"""Bytes that every way can be done to."""


def flip_bits(random: Random, content: bytes, _: bytes) -> bytes:
    """Flip one bit, or a few anywhere."""
    changed = bytearray(content)
    for _turn in range(random.choice((1, 1, 1, 2, 8))):
        changed[random.randrange(len(changed))] ^= 1 << random.randrange(8)
    return bytes(changed)


def change_bytes(random: Random, content: bytes, _: bytes) -> bytes:
    """Set one byte, or some anywhere, to any value."""
    changed = bytearray(content)
    for _turn in range(random.choice((1, 1, 4, 32))):
        changed[random.randrange(len(changed))] = random.randrange(256)
    return bytes(changed)


def write_extreme(random: Random, content: bytes, _: bytes) -> bytes:
    """Write a number over a place where one may lie."""
    size = random.choice((1, 2, 4, 4, 4, 8))
    number = (random.choice(EXTREMES) % (1 << 8 * size)).to_bytes(size, random.choice(("little", "big")))
    start = random.randrange(len(content) // size) * size
    return content[:start] + number + content[start + size :]


def copy_number(random: Random, content: bytes, _: bytes) -> bytes:
    """Copy four bytes, such as a length or an offset, over others."""
    source, target = (random.randrange(len(content) // 4) * 4 for _turn in range(2))
    return content[:target] + content[source : source + 4] + content[target + 4 :]


def truncate(random: Random, content: bytes, _: bytes) -> bytes:
    """Lose the end."""
    return content[: random.randrange(len(content))]


def cut_out(random: Random, content: bytes, _: bytes) -> bytes:
    """Lose a piece."""
    start, end = _range(random, content)
    return content[:start] + content[end:]


def zero(random: Random, content: bytes, _: bytes) -> bytes:
    """Let a piece be zeros, as a hole in a file is."""
    start, end = _range(random, content)
    return content[:start] + bytes(end - start) + content[end:]


def fill_with_noise(random: Random, content: bytes, _: bytes) -> bytes:
    """Let a piece be noise."""
    start, end = _range(random, content)
    return content[:start] + random.randbytes(end - start) + content[end:]


def repeat(random: Random, content: bytes, _: bytes) -> bytes:
    """Have a piece twice."""
    start, end = _range(random, content)
    return content[:end] + content[start:end] + content[end:]


def insert(random: Random, content: bytes, _: bytes) -> bytes:
    """Have noise between."""
    place = random.randrange(len(content))
    return content[:place] + random.randbytes(random.choice((1, 4, 64, 1024))) + content[place:]


def append(random: Random, content: bytes, _: bytes) -> bytes:
    """Have something behind."""
    return content + random.choice((b"\n", b"\0", bytes(64), random.randbytes(random.randint(1, 1024))))


def swap_halves(random: Random, content: bytes, _: bytes) -> bytes:
    """Have the end before the beginning."""
    place = random.randrange(1, len(content))
    return content[place:] + content[:place]


def splice(random: Random, content: bytes, other: bytes) -> bytes:
    """Begin as one file and end as another."""
    return content[: random.randrange(len(content))] + other[random.randrange(len(other)) :]


def swap_header(random: Random, content: bytes, other: bytes) -> bytes:
    """Begin as another file."""
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
"""Name -> what is done. A new way is one function and one row."""


def mutated(random: Random, kind: str, content: bytes, other: bytes) -> bytes:
    """Return `content` damaged in the way `kind`: neither as it was nor the `other` file as it is.

    What is too short or too uniform to be damaged so has a bit flipped.
    """
    for _ in range(10):
        damaged = MUTATIONS[kind](random, content, other) if len(content) >= SHORTEST else content
        if damaged not in (content, other):
            return damaged
    return flip_bits(random, content, other) if content else b"\0"


def _range(random: Random, content: bytes) -> tuple[int, int]:
    """Return the ends of a piece that is not empty; as often a short as a long one."""
    start = random.randrange(len(content))
    return start, min(len(content), start + random.randint(1, random.choice((4, 64, len(content)))))

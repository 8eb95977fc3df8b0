"""Class names: recognize numbers, sort the names, and match names that differ only in upper and lower case."""

from __future__ import annotations

from collections.abc import Sequence

from mnist_trainer.data.files.names import LABELS

__all__ = ["Names", "in_order", "number_of", "place_of", "spelled_once"]

Names = tuple[str, ...]


def number_of(name: str) -> int | None:
    """Return the whole number that `name` stands for, such as 9 for "9" or "nine"; None for another name."""
    plain = name.removesuffix(".0")
    if name.lower() in LABELS:
        return LABELS[name.lower()]
    return int(plain) if plain.isascii() and plain.isdigit() and len(plain) < 10 else None


def in_order(names: Sequence[str]) -> Names:
    """Return distinct names in the order of the classes: by value if all are numbers, otherwise alphabetically.

    Examples
    --------
    >>> in_order(["10", "9", "0"]), in_order(["b", "N", "a"])
    (('0', '9', '10'), ('N', 'a', 'b'))
    """
    numbers = {name: number_of(name) for name in names}
    return tuple(sorted(names) if None in numbers.values() else sorted(names, key=lambda name: numbers[name] or 0))


def spelled_once(parts: Sequence[Sequence[str]]) -> list[str]:
    """Return the class names of all splits, each once. Case is ignored unless one split has both spellings.

    Examples
    --------
    >>> spelled_once([["Cat", "Dog"], ["cat"]]), spelled_once([["A", "a"], ["a"]])
    (['Cat', 'Dog'], ['A', 'a'])
    """
    names = list(dict.fromkeys(name for part in parts for name in part))
    both = {name.lower() for part in parts for name in part if sum(name.lower() == n.lower() for n in part) > 1}
    kept: dict[str, str] = {}
    for name in names:
        kept.setdefault(name if name.lower() in both else name.lower(), name)
    return list(kept.values())


def place_of(name: str, names: Names) -> int | None:
    """Return the index of the class called `name`, or None. Case is ignored if only one class matches then.

    Examples
    --------
    >>> place_of("IPHONE", ("iPhone", "b")), place_of("B", ("b", "B")), place_of("Ab", ("ab", "AB"))
    (0, 1, None)
    """
    if name in names:
        return names.index(name)
    alike = [number for number, other in enumerate(names) if other.lower() == name.lower()]
    return alike[0] if len(alike) == 1 else None

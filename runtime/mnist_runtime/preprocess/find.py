"""find."""

from __future__ import annotations

from mnist_runtime.preprocess.ink.symbols import Mark, usual_height

LONGEST = 1600
"""Longer side of the picture that is worked on."""


SMALLEST = 1 / 80
"""Size of a digit, at least, as a share of the picture's longer side: 20 pixels of 1600, fewer say too little."""


LOWEST, HIGHEST = 0.4, 2.5
"""Heights of a digit, as multiples of the usual one on the page; what is lower is a dot, higher a drawing."""


def find_signs(marks: list[Mark]) -> list[Mark]:
    """Return the marks that may be digits, by their size alone."""
    usual = usual_height(marks)
    return [mark for mark in marks if LOWEST * usual <= mark.height and mark.size <= HIGHEST * usual]

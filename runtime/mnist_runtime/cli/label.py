"""``mnist-runtime label``: show pictures one by one in the terminal and sort them into folders by their label."""

from __future__ import annotations

import argparse
import os
import shlex
import sys
from pathlib import Path

import numpy as np
import numpy.typing as npt

from mnist_runtime.classifier import Classifier
from mnist_runtime.cli.options import load_classifier
from mnist_runtime.errors import PictureError, UsageError, printable
from mnist_runtime.preprocess.decode import read_picture
from mnist_runtime.preprocess.plain import plain
from mnist_runtime.preprocess.prepare import prepare
from mnist_runtime.reading.labelling import REJECTED, PictureSorter
from mnist_runtime.system.command import report_error

__all__ = ["label_command"]

COLUMNS, ROWS = 56, 48
"""Largest picture in the terminal: characters in a line, and rows of pixels, two in a line."""
SHADES = " .:-=+*#%@"
"""Characters for pixels from black to white, for terminals without half blocks."""
KEYS = "Enter takes the guess; - none of the labels; + later; < back; q ends"


def label_command(arguments: argparse.Namespace) -> int:
    """Ask for the label of each picture, and move it."""
    classifier = load_classifier(arguments, "images")
    sorter = PictureSorter(arguments.folder, classifier.task.labels)
    if not sorter.waiting():
        print(f"{printable(str(sorter.folder))} has no pictures without a label.")
        return 0
    print(KEYS)
    moved, after = 0, ""
    while True:
        waiting = sorter.waiting()
        path = next((path for path in waiting if path.name > after), None)
        if path is None:
            break
        guess = _show(path, classifier)
        try:
            answer = input(f"{len(waiting)} left: {printable(path.name)} [{guess or '?'}]: ").strip()
        except EOFError:
            print()
            break
        if answer == "q" and "q" not in sorter.labels:
            break
        if answer == "+":
            after = path.name
        elif answer == "<":
            if undone := sorter.undo():
                moved, after = moved - 1, ""
            print(f"back: {printable(undone)}" if undone else "There is nothing to take back.")
        elif answer or guess:
            moved += _move(sorter, path.name, None if answer == "-" else answer or guess)
    left = len(sorter.waiting())
    tuned = "MODEL.keras" if arguments.model else "cnn"
    folder = shlex.quote(printable(str(sorter.folder)))
    if (rejected := sorter.folder / REJECTED).is_dir():
        print(f"Pictures without any of the labels are in {printable(str(rejected))}; mnist-train ignores them.")
    print(f"{moved} labelled, {left} left. To train with them: mnist-train --from {tuned} --data {folder}")
    return 0


def _move(sorter: PictureSorter, name: str, label: str | None) -> int:
    """Move a picture and return 1, or print why it stays and return 0."""
    try:
        print(f"-> {printable(sorter.move(name, label).relative_to(sorter.folder).as_posix())}")
    except (PictureError, UsageError) as error:
        report_error(error)
        return 0
    return 1


def _show(path: Path, classifier: Classifier) -> str | None:
    """Print a picture, for handwriting as the model gets it, and return the most likely label."""
    try:
        pixels = read_picture(path)
        found = classifier.classify(pixels)
        if found.ranking and classifier.task.preparation == "mnist":
            pixels = prepare(pixels)
    except PictureError as error:
        report_error(error)
        return None
    print(picture_as_text(pixels, in_blocks=_has_blocks()))
    return found.labels[0] if found.ranking else None


def _has_blocks() -> bool:
    """Return whether the terminal shows half blocks in shades of gray."""
    try:
        "\u2580".encode(sys.stdout.encoding or "ascii")
    except UnicodeEncodeError:
        return False
    return sys.stdout.isatty() and os.environ.get("TERM", "dumb") != "dumb" and "NO_COLOR" not in os.environ


def picture_as_text(pixels: npt.NDArray[np.uint8], *, in_blocks: bool) -> str:
    """Return a picture as lines of text.

    Parameters
    ----------
    pixels : ndarray of shape (h, w) or (h, w, 1..4), dtype uint8
        The picture.
    in_blocks : bool
        Whether to show two pixels in each character, in 24 shades of gray, with the escapes of ANSI.

    Examples
    --------
    >>> ink = np.zeros((4, 4), np.uint8)
    >>> ink[1:, 2:] = 255
    >>> print(picture_as_text(ink, in_blocks=False).replace(" ", "."))
    ..@@
    ..@@
    """
    height, width = pixels.shape[:2]
    scale = min(COLUMNS / width, ROWS / height, 1)
    rows, columns = max(round(height * scale / 2), 1), max(round(width * scale), 1)
    gray = plain(pixels, 2 * rows, columns, 1).astype(np.intp)
    if not in_blocks:
        shades = gray.reshape(rows, 2, columns).max(axis=1) * (len(SHADES) - 1) // 255
        return "\n".join("".join(SHADES[shade] for shade in row).rstrip() for row in shades.tolist())
    shades = 232 + gray * 23 // 255
    lines = []
    for upper, lower in shades.reshape(rows, 2, columns).tolist():
        signs = "".join(f"\x1b[38;5;{top};48;5;{below}m\u2580" for top, below in zip(upper, lower, strict=True))
        lines.append(f"{signs}\x1b[0m")
    return "\n".join(lines)

"""``mnist-runtime serve`` and ``label``: answer pictures over HTTP, and sort pictures by label in the terminal."""

from __future__ import annotations

import argparse
import importlib.util
import os
import secrets
import shlex
import sys
import unicodedata
from pathlib import Path

import numpy as np
import numpy.typing as npt

from mnist_runtime.classifier import Classifier
from mnist_runtime.cli.options import doubtful_pictures, load_classifier
from mnist_runtime.errors import BackendError, PictureError, UsageError, install_command, printable
from mnist_runtime.preprocess.decode import read_picture
from mnist_runtime.preprocess.plain import plain
from mnist_runtime.preprocess.prepare import prepare
from mnist_runtime.reading.labelling import REJECTED, PictureSorter
from mnist_runtime.system.command import collect_often, echo, report_error

__all__ = ["TOKEN", "label_command", "picture_as_text", "serve_command"]

TOKEN = "MNIST_TOKEN"
"""Environment variable with the token."""
SHORTEST, LONGEST = 16, 200
"""Fewest and most characters of a token."""
PACKAGES = {"starlette": "Starlette", "uvicorn": "uvicorn", "python_multipart": "python-multipart", "PIL": "Pillow"}
"""Module -> package that the server needs."""
COLUMNS, ROWS = 56, 48
"""Largest picture in the terminal: characters in a line, and rows of pixels, two in a line."""
SHADES = " .:-=+*#%@"
"""Characters for pixels from black to white, for terminals without half blocks."""
KEYS = {"Enter": "takes the guess", "-": "none of the labels", "+": "later", "<": "back", "q": "ends"}


def serve_command(arguments: argparse.Namespace) -> int:
    """Answer requests until Ctrl-C or SIGTERM."""
    missing = [name for module, name in PACKAGES.items() if importlib.util.find_spec(module) is None]
    if missing:
        raise BackendError(f"The server needs {', '.join(missing)}. Install it with: {install_command('serve')}")
    from mnist_runtime.serving.app import application
    from mnist_runtime.serving.bounds import MOST_THREADS
    from mnist_runtime.serving.requests import is_loopback
    from mnist_runtime.serving.server import listen, serve, url_of

    token = _token(arguments.token)
    if token is None and not is_loopback(arguments.host):
        example = secrets.token_urlsafe(16)
        raise UsageError(
            f"--host {arguments.host} needs a token, or anybody on the network could use the server. For example: "
            f"--token {example}"
        )
    classifier = load_classifier(arguments, "images", threads=MOST_THREADS)
    doubtful = doubtful_pictures(arguments)  # creates the folder, which may be that of the labels
    sorter = PictureSorter(arguments.label, classifier.task.labels) if arguments.label else None
    app = application(classifier, token=token, doubtful=doubtful, sorter=sorter)
    collect_often()
    with listen(arguments.host, arguments.port) as listening:
        url = url_of(listening, token)
        page = url.replace("/#", "/label#") if token else f"{url}label"
        shown = f"{url}  to label pictures: {page}" if sorter else url
        serve(app, listening, lambda: echo(f"serving {classifier.manifest.name} at {shown}  (Ctrl-C stops)"))
    echo("stopped")
    return 0


def label_command(arguments: argparse.Namespace) -> int:
    """Ask for the label of each picture, and move it."""
    classifier = load_classifier(arguments, "images")
    sorter = PictureSorter(arguments.folder, classifier.task.labels)
    if not sorter.waiting():
        print(f"{printable(str(sorter.folder))} has no pictures without a label.")
        return 0
    print("; ".join(f"{key} {what}" for key, what in KEYS.items() if key not in sorter.labels))
    composed = {unicodedata.normalize("NFC", label): label for label in sorter.labels}  # as most keyboards give them
    moved, start = 0, ""
    while True:
        waiting = sorter.waiting()
        name = next((name for name in waiting if name >= start), None)
        if name is None:
            break
        guess = _show(waiting[name], classifier)
        try:
            answer = input(f"{len(waiting)} left: {name} [{guess or '?'}]: ").strip()
        except EOFError:
            print()
            break
        if answer not in sorter.labels:
            answer = composed.get(unicodedata.normalize("NFC", answer), answer)
        key = "" if answer in sorter.labels else answer
        if key == "q":
            break
        if key == "+":
            start = f"{name}\0"
        elif key == "<":
            if undone := sorter.undo():
                moved, start = moved - 1, min(start, undone)
            print(f"back: {undone}" if undone else "There is nothing to undo.")
        elif answer or guess:
            moved += _move(sorter, name, None if key == "-" else answer or guess)
    tuned = "MODEL.keras" if arguments.model else "cnn"
    folder = shlex.quote(printable(str(sorter.folder)))
    if (rejected := sorter.folder / REJECTED).is_dir():
        print(f"Pictures without any of the labels are in {printable(str(rejected))}; mnist-train ignores them.")
    left = len(sorter.waiting())
    print(f"{moved} labelled, {left} left. To train: mnist-train --from {tuned} --data {folder}")
    return 0


def _token(given: str | None) -> str | None:
    """Return the token of the option or the environment, or None."""
    token = given if given is not None else os.environ.get(TOKEN)
    if token is None:
        return None
    if not (SHORTEST <= len(token) <= LONGEST and token.isascii() and token.isprintable() and " " not in token):
        raise UsageError(
            f"The token must have {SHORTEST} to {LONGEST} ASCII characters without spaces. For example: "
            f"{secrets.token_urlsafe(16)}"
        )
    return token


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
    """Return a picture as lines of text. With blocks, a character shows two pixels in shades of gray."""
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

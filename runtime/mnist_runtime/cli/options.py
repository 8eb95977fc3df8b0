"""Options that several subcommands share, the objects that they select, and parsers of values."""

from __future__ import annotations

import argparse
import contextlib
import importlib.util
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from mnist_runtime.backends.registry import BACKENDS
from mnist_runtime.errors import BackendError, UsageError, install_command, printable
from mnist_runtime.preprocess.decode import read_picture, read_stdin
from mnist_runtime.system.command import echo, warn

if TYPE_CHECKING:
    from mnist_runtime.classifier import Classifier
    from mnist_runtime.reading.doubtful import DoubtfulPictures

__all__ = [
    "above_zero",
    "add_backend",
    "add_json",
    "add_keep_doubtful",
    "add_model",
    "add_quiet",
    "add_trusted",
    "count",
    "doubtful_pictures",
    "load_classifier",
    "path_of",
    "pixels_of",
    "port",
]

DOUBTFUL = 0.9
"""Default of ``--doubtful-below``."""
LARGEST_VALUE = 1e15
"""Upper limit of a value, which has at most 15 digits."""

EXTRAS = {"images": ("PIL", "Pictures need Pillow"), "watch": ("cv2", "Cameras and videos need OpenCV")}
"""Extra -> module of its package, and the start of a message."""

MODEL_HELP = "an exported file (default: the ready int8 model)"


def add_model(parser: argparse.ArgumentParser) -> None:
    """Add ``--model`` and ``--trusted``."""
    parser.add_argument("--model", metavar="PATH", help=MODEL_HELP)
    add_trusted(parser)


def add_trusted(parser: argparse.ArgumentParser, *, required: bool = False) -> None:
    """Add ``--trusted``."""
    text = "list of trusted keys (allowed_signers of OpenSSH), one of which must have signed the file"
    parser.add_argument("--trusted", type=path_of, required=required, metavar="KEYS", help=text)


def add_backend(parser: argparse.ArgumentParser, default: str = "the first that works") -> None:
    """Add ``--backend``."""
    text = f"interpreter: {', '.join(BACKENDS)} (default: {default})"
    parser.add_argument("--backend", choices=tuple(BACKENDS), metavar="NAME", help=text)


def load_classifier(arguments: argparse.Namespace, extra: str, *, finds: bool = False, threads: int = 1) -> Classifier:
    """Load the model and the backend in `arguments`. Warn if it may answer a picture without a digit with a digit.

    Parameters
    ----------
    arguments : argparse.Namespace
        The options ``model``, ``trusted`` and ``backend``.
    extra : str
        A key of `EXTRAS`: what the subcommand needs besides an interpreter.
    finds : bool, optional
        Whether the subcommand finds handwriting in pictures.
    threads : int, optional
        See `Classifier.load`.

    Raises
    ------
    BackendError
        If no interpreter works here. If the package of `extra` is missing too, the message installs both.
    UsageError
        If the subcommand finds handwriting, but the model is not for handwriting.
    """
    from mnist_runtime.classifier import Classifier  # the help does not need it

    try:
        classifier = Classifier.load(
            arguments.model, backend=arguments.backend, threads=threads, trusted=arguments.trusted
        )
    except BackendError as error:
        module, need = EXTRAS[extra]
        if importlib.util.find_spec(module) is None:
            raise BackendError(
                f"{str(error).removesuffix('.')}. {need} too. Install it with: {install_command(extra)}"
            ) from error
        raise
    if finds:
        from mnist_runtime.reading.page import check_finds  # `classify` does not need it

        check_finds(classifier, arguments.command)
    manifest, reads_digits = classifier.manifest, classifier.task.digits is not None
    # Files of older exporters do not state it.
    if reads_digits and manifest.source.get("rejects_non_digits", True) is not True:
        was_not = "was not" if manifest.source["rejects_non_digits"] is False else "is not known to have been"
        fact = f"{manifest.name} {was_not} trained on pictures without a digit"
        warn(f"warning: {fact}. It may answer them with a digit.")
    return classifier


def add_keep_doubtful(parser: argparse.ArgumentParser) -> None:
    """Add ``--keep-doubtful`` and ``--doubtful-below``."""
    parser.add_argument(
        "--keep-doubtful",
        type=path_of,
        metavar="DIR",
        help="write pictures with a doubtful answer, to train with them",
    )
    text = f"confidence below which an answer is doubtful, 0 to 1 (default: {DOUBTFUL})"
    parser.add_argument("--doubtful-below", type=above_zero(1), metavar="X", help=text)


def doubtful_pictures(arguments: argparse.Namespace, *, go_on: bool = False) -> DoubtfulPictures | None:
    """Return the folder of ``--keep-doubtful``, or None without the option."""
    if arguments.keep_doubtful is None:
        if arguments.doubtful_below is not None:
            raise UsageError("--doubtful-below needs --keep-doubtful DIR.")
        return None
    from mnist_runtime.reading.doubtful import DoubtfulPictures

    found = DoubtfulPictures(arguments.keep_doubtful, arguments.doubtful_below or DOUBTFUL, go_on=go_on)
    if found.is_full:
        echo(f"note: {printable(str(found.folder))} is full. No pictures are kept until you move some away.")
    return found


def add_json(parser: argparse.ArgumentParser) -> None:
    """Add ``--json``."""
    parser.add_argument("--json", action="store_true", help="print one JSON object")


def add_quiet(parser: argparse.ArgumentParser) -> None:
    """Add ``--quiet``."""
    text = "print only results, warnings and errors: no notes, no progress"
    parser.add_argument("-q", "--quiet", action="store_true", help=text)


def pixels_of(file: str) -> npt.NDArray[np.uint8]:
    """Read the picture of an argument; ``-`` is the standard input."""
    return read_stdin() if file == "-" else read_picture(file)


def path_of(text: str) -> Path:
    """Parse a path; reject an empty one, which would mean the current folder."""
    if text:
        return Path(text)
    raise argparse.ArgumentTypeError("the path is empty. Give a file or a folder")


def named_value(text: str) -> tuple[str, float]:
    """Parse ``NAME=VALUE``; the name may contain ``=`` itself."""
    name, equals, value = text.rpartition("=")
    with contextlib.suppress(ValueError):
        if equals and name and 0 <= (number := float(value)) < LARGEST_VALUE:
            return name, number
    raise argparse.ArgumentTypeError(f"{text!r} is not a name and a number, such as water=1234.567")


def count(most: int) -> Callable[[str], int]:
    """Return the parser of a whole number from 1 to `most`."""

    def parse(text: str) -> int:
        if text.isdecimal() and len(text) < 9 and 1 <= int(text) <= most:
            return int(text)
        raise argparse.ArgumentTypeError(f"{text!r} is not a whole number from 1 to {most:,}")

    return parse


def port(text: str) -> int:
    """Parse a port number, 0 to 65535."""
    if text.isascii() and text.isdecimal() and len(text) < 9 and int(text) < 1 << 16:
        return int(text)
    raise argparse.ArgumentTypeError(f"{text!r} is not a port, 0 to {(1 << 16) - 1}")


def above_zero(most: int) -> Callable[[str], float]:
    """Return the parser of a number above 0, at most `most`."""

    def parse(text: str) -> float:
        with contextlib.suppress(ValueError):
            if 0 < (number := float(text)) <= most:
                return number
        raise argparse.ArgumentTypeError(f"{text!r} is not a number above 0 and at most {most}")

    return parse

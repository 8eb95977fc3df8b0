"""`load_classifier`: load the model of a subcommand, with one message for all packages that are missing."""

from __future__ import annotations

import argparse
import importlib.util

from mnist_runtime.classifier import Classifier
from mnist_runtime.errors import BackendError
from mnist_runtime.system.command import warn
from mnist_runtime.system.packages import install_command

__all__ = ["load_classifier"]

READERS = {"images": ("PIL", "Pictures need Pillow"), "watch": ("cv2", "Cameras and videos need OpenCV")}
"""Extra -> module of its package, and what needs it."""


def load_classifier(arguments: argparse.Namespace, extra: str, *, finds: bool = False, threads: int = 1) -> Classifier:
    """Load the model and the backend in `arguments`. Warn if a model of digits was not trained to give no digit.

    Parameters
    ----------
    arguments : argparse.Namespace
        The options ``model``, ``trusted`` and ``backend``.
    extra : str
        A key of `READERS`: what the subcommand needs besides an interpreter.
    finds : bool, optional
        Whether the subcommand finds handwriting in pictures.
    threads : int, optional
        See `Classifier.load`.

    Raises
    ------
    BackendError
        If no interpreter works here. If the package of `extra` is missing too, the message installs both.
    UsageError
        If the subcommand finds handwriting, and the model is not for that.
    """
    try:
        classifier = Classifier.load(
            arguments.model, backend=arguments.backend, threads=threads, trusted=arguments.trusted
        )
    except BackendError as error:
        module, need = READERS[extra]
        if importlib.util.find_spec(module) is None:
            raise BackendError(
                f"{str(error).removesuffix('.')}. {need} too. Install it with: {install_command(extra)}"
            ) from error
        raise
    if finds:
        from mnist_runtime.reading.page import check_finds  # `classify` does not need it

        check_finds(classifier, arguments.command)
    manifest, reads_digits = classifier.manifest, classifier.task.digits is not None
    # Files of older exporters do not say it.
    if reads_digits and manifest.source.get("rejects_non_digits", True) is not True:
        was_not = "was not" if manifest.source["rejects_non_digits"] is False else "is not known to have been"
        fact = f"{manifest.name} {was_not} trained on pictures without a digit"
        warn(f"warning: {fact}. It may answer them with a digit.")
    return classifier

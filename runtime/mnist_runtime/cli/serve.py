"""``mnist-runtime serve``: a page and an HTTP service that answer pictures."""

from __future__ import annotations

import argparse
import importlib.util
import os
import secrets

from mnist_runtime.cli.options import doubtful_pictures, load_classifier
from mnist_runtime.errors import BackendError, UsageError, install_command
from mnist_runtime.reading.labelling import PictureSorter
from mnist_runtime.system.command import collect_often, echo

__all__ = ["TOKEN", "serve_command"]

TOKEN = "MNIST_TOKEN"
"""Environment variable with the token."""
SHORTEST, LONGEST = 16, 200
"""Characters of a token."""
PACKAGES = {"starlette": "Starlette", "uvicorn": "uvicorn", "python_multipart": "python-multipart", "PIL": "Pillow"}
"""Module -> package that the server needs."""


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
    sorter = PictureSorter(arguments.label, classifier.task.labels) if arguments.label else None
    app = application(classifier, token=token, doubtful=doubtful_pictures(arguments), sorter=sorter)
    collect_often()
    with listen(arguments.host, arguments.port) as listening:
        url = url_of(listening, token)
        page = url.replace("/#", "/label#") if token else f"{url}label"
        shown = f"{url}  to label pictures: {page}" if sorter else url
        serve(app, listening, lambda: echo(f"serving {classifier.manifest.name} at {shown}  (Ctrl-C stops)"))
    echo("stopped")
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

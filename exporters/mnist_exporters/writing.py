"""`writing`: what a file system refuses, in a sentence."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from pathlib import Path

from mnist_exporters.errors import OutputError

__all__ = ["writing"]


@contextlib.contextmanager
def writing(folder: Path) -> Iterator[None]:
    """Tell a failure inside the block, such as a full disk, as one of writing into `folder`.

    Raises
    ------
    OutputError
        In the place of an `OSError`.
    """
    try:
        yield
    except OSError as error:
        raise OutputError(
            f"Expected a folder that can be written, received {folder} ({error.strerror}); make room there or choose "
            "another."
        ) from error

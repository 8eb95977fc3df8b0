"""`whole_file`: a file that appears whole, or not at all."""

from __future__ import annotations

import contextlib
import os
import tempfile
from collections.abc import Iterator
from pathlib import Path

from mnist_runtime.errors import UsageError

__all__ = ["whole_file"]


@contextlib.contextmanager
def whole_file(path: Path) -> Iterator[Path]:
    """Yield a place beside `path`; what is written there becomes `path` when the block ends well.

    A file that was there is replaced. Should the block fail, nothing is changed.

    Raises
    ------
    UsageError
        If it cannot be written.
    """
    try:
        with tempfile.TemporaryDirectory(dir=path.parent, prefix=".mnist-runtime-") as folder:
            draft = Path(folder) / path.name
            yield draft
            with draft.open("rb") as file:
                os.fsync(file.fileno())  # a rename must not overtake the data
            draft.replace(path)
    except OSError as error:
        raise UsageError(
            f"Expected to write {path}, received {error.strerror or error}; make room, or choose another place."
        ) from error

"""`quietly`: keep what converters print from the user."""

from __future__ import annotations

import contextlib
import io
import warnings
from collections.abc import Iterator

from mnist_runtime.system.stderr import quiet_stderr

__all__ = ["quietly"]


@contextlib.contextmanager
def quietly() -> Iterator[None]:
    """Hold back native output on stderr, drop Python's prints to stdout and the converters' own warnings.

    TensorFlow prints "Saved artifact at ..." to stdout, which belongs to results, and warns of its own deprecations.
    """
    with quiet_stderr(), contextlib.redirect_stdout(io.StringIO()), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield

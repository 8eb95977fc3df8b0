"""`quietly`: hide what converters print."""

from __future__ import annotations

import contextlib
import io
import warnings
from collections.abc import Iterator

from mnist_runtime.system.process import quiet_stderr

__all__ = ["quietly"]


@contextlib.contextmanager
def quietly() -> Iterator[None]:
    """Inside this context, hide native output on stderr, Python's prints to stdout and warnings.

    TensorFlow prints "Saved artifact at ..." to stdout, which is only for results, and warns about its own code.
    """
    with quiet_stderr(), contextlib.redirect_stdout(io.StringIO()), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield

"""`usual_errors`: NumPy's own handling of floating-point errors, whatever the program has set."""

from __future__ import annotations

from contextlib import AbstractContextManager

import numpy as np

__all__ = ["usual_errors"]


def usual_errors() -> AbstractContextManager[None]:
    """Return a context in which tiny numbers become 0 without an error, even after ``np.seterr(all="raise")``.

    Examples
    --------
    >>> with np.errstate(all="raise"), usual_errors():
    ...     float(np.exp(np.float64(-1000)))
    0.0
    """
    return np.errstate(divide="warn", over="warn", under="ignore", invalid="warn")

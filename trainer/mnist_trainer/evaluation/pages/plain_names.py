"""`plain_names`: names of the user in drawings of Matplotlib, as they are."""

from __future__ import annotations

import contextlib
import warnings
from collections.abc import Iterator

__all__ = ["plain_names"]


@contextlib.contextmanager
def plain_names() -> Iterator[None]:
    """Draw what two ``$`` enclose as text, not as a formula, and signs that the font lacks as boxes, not as warnings."""
    import matplotlib

    with matplotlib.rc_context({"text.parse_math": False}), warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)
        yield

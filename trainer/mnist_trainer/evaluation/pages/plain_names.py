"""`plain_names`: names of the user in drawings of Matplotlib, as they are."""

from __future__ import annotations

import contextlib
import warnings
from collections.abc import Iterator

__all__ = ["plain_names"]


@contextlib.contextmanager
def plain_names() -> Iterator[None]:
    """Draw text between two ``$`` as it is, not as a formula, and give no warnings of signs that the font lacks."""
    import matplotlib

    with matplotlib.rc_context({"text.parse_math": False}), warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)
        yield

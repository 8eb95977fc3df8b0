"""`share`: a share 0..1 on a command line."""

from __future__ import annotations

import argparse

__all__ = ["share"]


def share(text: str) -> float:
    """Return the number that `text` is.

    Raises
    ------
    argparse.ArgumentTypeError
        If it is no number; whether it is a sensible share is for `ExportSpec` to say.

    Examples
    --------
    >>> share("0.005")
    0.005
    """
    try:
        return float(text)
    except ValueError:
        raise argparse.ArgumentTypeError(f"expected a share such as 0.005, received {text!r}") from None

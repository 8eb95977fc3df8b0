"""options."""

from __future__ import annotations

import argparse
import math


def count(text: str) -> int:
    """Parse a whole number from 1 to 10."""
    if text.isdecimal() and 1 <= int(text) <= 10:
        return int(text)
    raise argparse.ArgumentTypeError(f"expected a number from 1 to 10, received {text!r}")


def rate(text: str) -> float:
    """Parse a number above 0, at most 1000."""
    try:
        rate = float(text)
    except ValueError:
        rate = math.nan
    if 0 < rate <= 1000:
        return rate
    raise argparse.ArgumentTypeError(f"expected a number above 0, at most 1000, received {text!r}")

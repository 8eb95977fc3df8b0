"""`reason`: the one line of a foreign exception that tells a person what happened."""

from __future__ import annotations

import re

__all__ = ["reason"]

WRAPPING = re.compile(r"Exception encountered when calling|\s*$")
CAUSE = "Exception encountered: "
COLOURS = re.compile(r"\x1b\[\d*m")


def reason(error: Exception) -> str:
    r"""Return the first line that says something, or the last thing encountered: Keras puts it behind whole configs.

    Examples
    --------
    >>> reason(ValueError("Exception encountered when calling Dense.call().\n\nNo weights.\n\nArguments: ..."))
    'No weights.'
    """
    lines = COLOURS.sub("", str(error)).splitlines()
    causes = [line.rpartition(CAUSE)[2] for line in lines if CAUSE in line]
    first = next((line for line in lines if not WRAPPING.match(line)), type(error).__name__)
    return (causes[-1] if causes else first)[:300]

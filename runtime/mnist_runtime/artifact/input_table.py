"""`input_table`: what a file takes for each raw pixel."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

__all__ = ["input_table"]


def input_table(facts: dict[str, Any]) -> npt.NDArray[Any] | None:
    """Return the input value of each raw pixel 0..255; None if that is the pixel itself."""
    if "scale" not in facts:
        return None
    pixels, dtype = np.arange(256, dtype=np.uint8), np.dtype(facts["dtype"])
    values: npt.NDArray[Any] = pixels * np.float32(facts["scale"]) + np.float32(facts["offset"])
    if dtype.kind != "f":
        limits = np.iinfo(dtype)
        values = np.clip(np.rint(pixels * float(facts["scale"]) + float(facts["offset"])), limits.min, limits.max)
    return values.astype(dtype)

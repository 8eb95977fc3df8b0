"""Make pages with digits, and films of such pages, for the tests of `read` and `watch`."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt
from PIL import Image

__all__ = ["page_of", "write_film"]

Pixels = npt.NDArray[np.uint8]


def page_of(images: Sequence[Pixels], shape: tuple[int, int] = (240, 320)) -> Pixels:
    """Return a light page (h, w, 3) with one row of digits, given as MNIST images (28, 28)."""
    page = np.full((*shape, 3), 235, np.uint8)
    side = shape[0] // 2
    top = (shape[0] - side) // 2
    for index, image in enumerate(images):
        large = Image.fromarray(image).resize((side, side), Image.Resampling.BICUBIC)
        ink = np.asarray(large, np.float32)[..., None] / 255
        left = round((index + 0.5) * shape[1] / len(images) - side / 2)
        part = page[top : top + side, left : left + side]
        part[:] = np.rint(part * (1 - ink) + 30 * ink)
    return page


def write_film(path: Path, scenes: Sequence[tuple[Pixels, int]], rate: float = 10.0, kind: str = "MJPG") -> Path:
    """Write a video of `scenes`, each a page (h, w, 3) and its number of frames."""
    import cv2  # optional

    height, width = scenes[0][0].shape[:2]
    writer = cv2.VideoWriter(str(path), cv2.VideoWriter.fourcc(*kind), rate, (width, height))
    assert writer.isOpened()
    for page, count in scenes:
        for _ in range(count):
            writer.write(np.ascontiguousarray(page[..., ::-1]))
    writer.release()
    return path

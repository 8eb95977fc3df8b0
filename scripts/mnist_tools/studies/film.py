"""`page_of`, `write_film`: real digits on a page, and films of such pages, made when they are needed."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt

from mnist_tools.studies.camera import Written, place

__all__ = ["page_of", "write_film"]

Pixels = npt.NDArray[np.uint8]


def page_of(images: Sequence[Pixels], shape: tuple[int, int] = (240, 320)) -> Pixels:
    """Return a light page (h, w, 3) with digits, given as MNIST has them, in one row."""
    page = np.full((*shape, 3), 235, np.uint8)
    for index, image in enumerate(images):
        column = (index + 0.5) * shape[1] / len(images)
        stroke, top, left = place(Written(image, shape[0] / 2, column, shape[0] / 3))
        part = page[top : top + stroke.shape[0], left : left + stroke.shape[1]]
        part[:] = np.rint(part * (1 - stroke[..., None]) + 30 * stroke[..., None])
    return page


def write_film(path: Path, scenes: Sequence[tuple[Pixels, int]], rate: float = 10.0, kind: str = "MJPG") -> Path:
    """Write a video of scenes, each a page (h, w, 3) and for how many frames it stays."""
    import cv2

    height, width = scenes[0][0].shape[:2]
    writer = cv2.VideoWriter(str(path), cv2.VideoWriter_fourcc(*kind), rate, (width, height))
    assert writer.isOpened()
    for page, count in scenes:
        for _ in range(count):
            writer.write(np.ascontiguousarray(page[..., ::-1]))
    writer.release()
    return path

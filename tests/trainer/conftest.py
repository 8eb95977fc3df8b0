"""Images of another task than digits."""

import numpy as np
import pytest

from mnist_runtime.artifact.task import Task
from mnist_trainer import Dataset, Splits

FRUITS = Task(20, 14, 3, ("apple", "banana", "grape"))
COLORS = ((220, 40, 30), (235, 215, 50), (90, 40, 140))


def drawn(count: int, seed: int, split: str) -> Dataset:
    """Return noisy images of colored spots on gray, one color for each class."""
    rng = np.random.default_rng(seed)
    labels = np.arange(count, dtype=np.uint8) % len(COLORS)
    rows, columns = np.mgrid[: FRUITS.height, : FRUITS.width]
    places = rng.uniform((7, 5), (13, 9), (count, 2))
    inside = np.hypot(rows - places[:, :1, None], columns - places[:, 1:, None]) < 4
    images = np.where(inside[..., None], np.array(COLORS)[labels][:, None, None], 140)
    images = np.clip(images + rng.normal(0, 12, images.shape), 0, 255).astype(np.uint8)
    return Dataset("fruits", split, "drawn", images, labels, FRUITS)


@pytest.fixture(scope="session")
def fruits() -> Splits:
    """120 training and 60 test images in color, 20x14, in three named classes."""
    return Splits(drawn(120, 0, "train"), drawn(60, 1, "test"))

"""What the tests of photographs and of videos share."""

from __future__ import annotations

import os

import numpy as np
import pytest

from mnist_runtime import Classifier
from mnist_tools.studies.camera import CONDITIONS, Written, photograph, with_pen
from mnist_trainer import Dataset, Splits

os.environ["OPENCV_FFMPEG_LOGLEVEL"] = "-8"  # read once, when the first video of the process is opened


@pytest.fixture(scope="session")
def legible(digits: Splits) -> Dataset:
    """Return two of each digit that are surely read when they are written on a clean sheet.

    They were scanned with 8x8 pixels; enlarged, not every one of them can be read.
    """
    classifier, random, clean = Classifier.load(), np.random.default_rng(0), with_pen(CONDITIONS["clean"])
    labels = digits.test.labels
    chosen: list[int] = []
    for index in range(len(labels)):
        if np.sum(labels[chosen] == labels[index]) < 2:
            sheet = photograph([Written(digits.test.images[index], 80, 80, 110)], (160, 160), clean, random)
            found = classifier.classify(sheet)
            if found.digit == labels[index] and found.confidence > 0.98:
                chosen.append(index)
        if len(chosen) == 20:
            break
    chosen.sort(key=lambda index: int(labels[index]))
    return Dataset("legible", "test", "of digits", digits.test.images[chosen], labels[chosen])

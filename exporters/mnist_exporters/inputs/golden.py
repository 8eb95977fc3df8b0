"""`golden_digits`: ten images that are stored in every exported file, so that a device can test itself."""

from __future__ import annotations

from importlib import resources

import numpy as np
import numpy.typing as npt

__all__ = ["golden_digits"]


def golden_digits() -> npt.NDArray[np.uint8]:
    """Return ten images, one of each digit, uint8 (10, 28, 28).

    They are test images of scikit-learn's digits, whose license allows copies:
    ``Calibration.draw(load_data("digits").test, 10, seed=0).images``.

    Examples
    --------
    >>> golden_digits().shape
    (10, 28, 28)
    """
    with (resources.files("mnist_exporters") / "inputs" / "golden_digits.npy").open("rb") as file:
        images: npt.NDArray[np.uint8] = np.load(file)
    return images

"""`CORRUPTIONS`: what may befall a picture on its way to the classifier, fifteen kinds of it.

The kinds are those of N. Mu and J. Gilmer, "MNIST-C: A Robustness Benchmark for Computer Vision", 2019, written anew
from their description; amounts are set so that a person still reads nearly all digits. Figures are therefore near those
of that benchmark's published images, but not the same.
"""

from __future__ import annotations

import pkgutil
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

__all__ = ["CORRUPTIONS", "Corruption"]

Images = npt.NDArray[np.float32]


@dataclass(frozen=True)
class Corruption:
    """One row of `CORRUPTIONS`.

    Parameters
    ----------
    summary : str
        What it does, for people.
    apply : str
        ``"module:attribute"`` of a function from images, float32 (n, 28, 28) in 0..1, a random generator and
        `amounts` to images of the same shape.
    amounts : dict
        How much of it.
    """

    summary: str
    apply: str
    amounts: dict[str, Any]

    def __call__(self, images: npt.NDArray[np.uint8], seed: int) -> npt.NDArray[np.uint8]:
        """Corrupt `images`, uint8 (n, 28, 28), as `seed` says; the same seed gives the same pictures.

        Examples
        --------
        >>> import numpy as np
        >>> black = np.zeros((1, 28, 28), np.uint8)
        >>> int(CORRUPTIONS["brightness"](black, seed=0).max())
        128
        """
        change: Callable[..., Images] = pkgutil.resolve_name(f"mnist_trainer.{self.apply}")
        corrupted = change(images.astype(np.float32) / np.float32(255), np.random.default_rng(seed), **self.amounts)
        pixels: npt.NDArray[np.uint8] = np.rint(np.clip(corrupted, 0, 1) * 255).astype(np.uint8)
        return pixels


CORRUPTIONS: dict[str, Corruption] = {
    "shot noise": Corruption(
        "grains of light, the more the brighter (Poisson)", "corruption_noise:shot_noise", {"photons": 5}
    ),
    "impulse noise": Corruption("dead and burnt-out pixels", "corruption_noise:impulse_noise", {"share": 0.17}),
    "glass blur": Corruption(
        "seen through frosted glass: near pixels swapped", "corruption_blur:glass_blur", {"sigma": 0.7, "reach": 1}
    ),
    "motion blur": Corruption("moved along a random line", "corruption_blur:motion_blur", {"length": 6}),
    "shear": Corruption("leaning", "corruption_shape:shear", {"limit": 0.4}),
    "scale": Corruption("far away: smaller", "corruption_shape:scale", {"factor": 0.6}),
    "rotate": Corruption("turned by up to 30 degrees", "corruption_shape:rotate", {"degrees": 30}),
    "brightness": Corruption("everything lighter", "corruption_light:brightness", {"amount": 0.5}),
    "translate": Corruption("out of the centre", "corruption_shape:translate", {"pixels": 3}),
    "stripe": Corruption("a stripe down the middle inverted", "corruption_marks:stripe", {"width": 8}),
    "fog": Corruption("behind clouds (a fractal)", "corruption_light:fog", {"amount": 1.5, "roughness": 1.5}),
    "spatter": Corruption("splashed with drops", "corruption_marks:spatter", {"share": 0.12, "sigma": 1.2}),
    "dotted line": Corruption("crossed by a dotted line", "corruption_marks:dotted_line", {"gap": 3}),
    "zigzag": Corruption("crossed by a zigzag", "corruption_marks:zigzag", {"teeth": 6, "height": 2.5}),
    "canny edges": Corruption("its outline alone", "corruption_marks:canny_edges", {"sigma": 0.8}),
}
"""Name -> corruption. A new one is one function and one row."""

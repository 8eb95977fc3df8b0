"""Pictures without a digit, for which a classifier should not be confident.

Pictures of these kinds are never used for training. So the results show how a model treats unknown input.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from PIL import Image, ImageDraw, ImageFont
from scipy.ndimage import binary_dilation
from sklearn.datasets import load_sample_images

from mnist_runtime import prepare

__all__ = ["NON_DIGITS", "NonDigit"]


Pixels = npt.NDArray[np.uint8]


@dataclass(frozen=True)
class NonDigit:
    """A kind of picture without a digit: a row of `NON_DIGITS`.

    Parameters
    ----------
    summary : str
        Short description.
    make : callable
        Function of a number n and a random generator. It returns n pictures, uint8 (n, 28, 28).
    """

    summary: str
    make: Callable[[int, np.random.Generator], Pixels]

    def __call__(self, count: int, seed: int) -> Pixels:
        """Return `count` pictures, uint8 (count, 28, 28). The same `seed` gives the same pictures.

        Examples
        --------
        >>> NON_DIGITS["letters"](3, seed=0).shape
        (3, 28, 28)
        """
        return self.make(count, np.random.default_rng(seed))


UNLIKE_DIGITS = "ACEFHKMNPRUVWXadefhkmnrtuvwx&@#%?+=*"
"""Characters that do not look like a digit, even if rotated a little. O, l, S, Z, B, g and y are left out."""


def letters(count: int, rng: np.random.Generator) -> Pixels:
    """Draw letters and signs with random size, stroke width and rotation."""
    return np.stack([_written(str(rng.choice(list(UNLIKE_DIGITS))), rng) for _ in range(count)])


def pairs(count: int, rng: np.random.Generator) -> Pixels:
    """Draw pairs of letters and signs."""
    return np.stack([_written("".join(rng.choice(list(UNLIKE_DIGITS), 2)), rng) for _ in range(count)])


def photographs(count: int, rng: np.random.Generator) -> Pixels:
    """Cut random square pieces out of photographs."""
    views = _views()
    pieces = []
    for _ in range(count):
        view = views[rng.integers(len(views))]
        side = int(rng.integers(28, 120))
        top, left = (int(rng.integers(length - side)) for length in view.shape)
        piece = Image.fromarray(view[top : top + side, left : left + side]).resize((28, 28))
        pieces.append(np.asarray(piece))
    return np.stack(pieces)


def outlines(count: int, rng: np.random.Generator) -> Pixels:
    """Draw the strong edges in pieces of photographs, as thick as handwriting."""
    from skimage.filters import sobel  # an optional package

    edges = [sobel(piece) for piece in photographs(count, rng)]
    strong = [binary_dilation(edge > np.quantile(edge, 0.92)) for edge in edges]
    traced: Pixels = (np.stack(strong) * 255).astype(np.uint8)
    return traced


def _written(text: str, rng: np.random.Generator) -> Pixels:
    """Return `text` in Pillow's built-in font, rotated by up to 15 degrees and prepared like a digit."""
    field = Image.new("L", (200, 140))
    font = ImageFont.load_default(float(rng.integers(60, 80)))
    width = int(rng.integers(0, 4))
    ImageDraw.Draw(field).text((100, 70), text, 255, font, anchor="mm", stroke_width=width)
    return prepare(np.asarray(field.rotate(float(rng.uniform(-15, 15)), Image.Resampling.BILINEAR)))


def _views() -> list[Pixels]:
    """Return the sample photographs of scikit-learn in grayscale."""
    return [view.mean(axis=2).astype(np.uint8) for view in load_sample_images().images]


NON_DIGITS: dict[str, NonDigit] = {
    "letters": NonDigit("printed letters and signs, rotated, in MNIST form", letters),
    "pairs": NonDigit("two letters or signs side by side, in MNIST form", pairs),
    "photographs": NonDigit("pieces of two photographs from scikit-learn", photographs),
    "outlines": NonDigit("edges in such pieces, white on black", outlines),
}
"""Name -> kind. To add one, add a function and a row here."""

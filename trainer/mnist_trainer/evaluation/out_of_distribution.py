"""`NON_DIGITS`: pictures that show no digit, of which a classifier should not be sure.

No picture of these kinds is used in training, so that the figures tell of pictures the like of which a model has never
seen.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from mnist_runtime import prepare

__all__ = ["NON_DIGITS", "NonDigit"]


Pixels = npt.NDArray[np.uint8]


@dataclass(frozen=True)
class NonDigit:
    """One row of `NON_DIGITS`.

    Parameters
    ----------
    summary : str
        What is seen, for people.
    make : callable
        A function from a number and a random generator to that many pictures.
    """

    summary: str
    make: Callable[[int, np.random.Generator], Pixels]

    def __call__(self, count: int, seed: int) -> Pixels:
        """Return `count` pictures, uint8 (count, 28, 28), as `seed` says.

        Examples
        --------
        >>> NON_DIGITS["letters"](3, seed=0).shape
        (3, 28, 28)
        """
        return self.make(count, np.random.default_rng(seed))


UNLIKE_DIGITS = "ACEFHKMNPRUVWXadefhkmnrtuvwx&@#%?+=*"
"""What nobody reads as a digit, however it is turned by a few degrees; so no O, l, S, Z, B, g or y."""


def letters(count: int, rng: np.random.Generator) -> Pixels:
    """Draw letters and signs in a size, a place and a slant of their own."""
    return np.stack([_written(str(rng.choice(list(UNLIKE_DIGITS))), rng) for _ in range(count)])


def pairs(count: int, rng: np.random.Generator) -> Pixels:
    """Draw letters and signs two by two."""
    return np.stack([_written("".join(rng.choice(list(UNLIKE_DIGITS), 2)), rng) for _ in range(count)])


def photographs(count: int, rng: np.random.Generator) -> Pixels:
    """Cut pieces out of photographs."""
    from PIL import Image

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
    """Trace the strong edges in pieces of photographs, as thick as handwriting."""
    from scipy.ndimage import binary_dilation
    from skimage.filters import sobel

    edges = [sobel(piece) for piece in photographs(count, rng)]
    strong = [binary_dilation(edge > np.quantile(edge, 0.92)) for edge in edges]
    traced: Pixels = (np.stack(strong) * 255).astype(np.uint8)
    return traced


def _written(text: str, rng: np.random.Generator) -> Pixels:
    """Return `text` in Pillow's own typeface, turned by up to 15 degrees, as `prepare` brings it to MNIST form."""
    from PIL import Image, ImageDraw, ImageFont

    field = Image.new("L", (200, 140))
    font = ImageFont.load_default(float(rng.integers(60, 80)))
    width = int(rng.integers(0, 4))
    ImageDraw.Draw(field).text((100, 70), text, 255, font, anchor="mm", stroke_width=width)
    return prepare(np.asarray(field.rotate(float(rng.uniform(-15, 15)), Image.Resampling.BILINEAR)))


def _views() -> list[Pixels]:
    """Return the photographs that come with scikit-learn, in grey."""
    from sklearn.datasets import load_sample_images

    return [view.mean(axis=2).astype(np.uint8) for view in load_sample_images().images]


NON_DIGITS: dict[str, NonDigit] = {
    "letters": NonDigit("printed letters and signs, turned, brought to MNIST form", letters),
    "pairs": NonDigit("two letters side by side, brought to MNIST form", pairs),
    "photographs": NonDigit("pieces of two photographs (scikit-learn's)", photographs),
    "outlines": NonDigit("outlines of things in such pieces, white on black", outlines),
}
"""Name -> kind. A new one is one function and one row."""

"""Fifteen image corruptions, after MNIST-C.

The kinds are those of N. Mu and J. Gilmer, "MNIST-C: A Robustness Benchmark for Computer Vision", 2019. They are
implemented from the description in the paper, with strengths at which a person can still read nearly all digits. So the
results are close to those on the published images of the benchmark, but not equal.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy.ndimage import affine_transform, gaussian_filter, shift

__all__ = ["CORRUPTIONS", "Corruption"]


Images = npt.NDArray[np.float32]
"""Shape (n, 28, 28), 0..1."""
Points = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Corruption:
    """A kind of corruption and its strength: a row of `CORRUPTIONS`.

    Parameters
    ----------
    summary : str
        Short description.
    apply : callable
        Function that corrupts images. Its arguments are images, float32 (n, 28, 28) in 0..1, a random generator, and
        `amounts` as keywords. It returns images of the same shape.
    amounts : dict
        Keyword arguments of `apply` that set the strength.
    needs_skimage : bool
        Whether `apply` needs scikit-image, an optional package.
    """

    summary: str
    apply: Callable[..., Images]
    amounts: dict[str, Any]
    needs_skimage: bool = False

    def __call__(self, images: npt.NDArray[np.uint8], seed: int) -> npt.NDArray[np.uint8]:
        """Return corrupted copies of `images`, uint8 (n, 28, 28). The same `seed` gives the same result.

        Examples
        --------
        >>> import numpy as np
        >>> black = np.zeros((1, 28, 28), np.uint8)
        >>> int(CORRUPTIONS["brightness"](black, seed=0).max())
        128
        """
        corrupted = self.apply(images.astype(np.float32) / np.float32(255), np.random.default_rng(seed), **self.amounts)
        pixels: npt.NDArray[np.uint8] = np.rint(np.clip(corrupted, 0, 1) * 255).astype(np.uint8)
        return pixels


def glass_blur(images: Images, rng: np.random.Generator, *, sigma: float, reach: int) -> Images:
    """Swap each pixel with one at most `reach` pixels away, between two Gaussian blurs."""
    glass = gaussian_filter(images, (0, sigma, sigma))
    every = np.arange(len(glass))
    for row in range(reach, 28 - reach):
        for column in range(reach, 28 - reach):
            down, right = rng.integers(-reach, reach + 1, (2, len(glass)))
            there = (every, row + down, column + right)
            here = glass[:, row, column].copy()
            glass[:, row, column] = glass[there]
            glass[there] = here
    blurred: Images = gaussian_filter(glass, (0, sigma, sigma))
    return blurred


def motion_blur(images: Images, rng: np.random.Generator, *, length: int) -> Images:
    """Blur each image over `length` pixels in a random direction."""
    angles = rng.uniform(0, np.pi, len(images))
    steps = np.linspace(-length / 2, length / 2, length)
    smeared = [
        np.mean([shift(image, (step * np.sin(angle), step * np.cos(angle)), order=1) for step in steps], axis=0)
        for image, angle in zip(images, angles, strict=True)
    ]
    # The blur makes a digit fainter. A camera would expose longer, so restore the brightness.
    stacked = np.stack(smeared).astype(np.float32)
    exposed: Images = stacked / np.maximum(stacked.max(axis=(1, 2), keepdims=True), 0.25)
    return exposed


def brightness(images: Images, rng: np.random.Generator, *, amount: float) -> Images:
    """Add `amount` to every pixel, up to white."""
    del rng  # this corruption is not random
    return images + np.float32(amount)


def fog(images: Images, rng: np.random.Generator, *, amount: float, roughness: float) -> Images:
    """Mix the images with fog: noise whose amplitude is proportional to frequency ** -`roughness`.

    The fog of the benchmark, a plasma fractal from the diamond-square algorithm, has the same kind of spectrum.
    """
    frequency = np.hypot(*np.meshgrid(np.fft.fftfreq(28), np.fft.fftfreq(28)))
    frequency[0, 0] = 1 / 28
    clouds = np.fft.ifft2(np.fft.fft2(rng.standard_normal(images.shape)) / frequency**roughness).real
    clouds -= clouds.min(axis=(1, 2), keepdims=True)
    clouds /= clouds.max(axis=(1, 2), keepdims=True)
    foggy: Images = ((images + amount * clouds) / (1 + amount)).astype(np.float32)
    return foggy


def stripe(images: Images, rng: np.random.Generator, *, width: int) -> Images:
    """Invert `width` columns in the middle of each image."""
    del rng  # this corruption is not random
    striped = images.copy()
    middle = slice(14 - width // 2, 14 + (width + 1) // 2)
    striped[:, :, middle] = 1 - striped[:, :, middle]
    return striped


def spatter(images: Images, rng: np.random.Generator, *, fraction: float, sigma: float) -> Images:
    """Cover a `fraction` of the pixels with white drops: the highest values of noise smoothed by `sigma` pixels."""
    wetness = gaussian_filter(rng.standard_normal(images.shape), (0, sigma, sigma))
    edge = np.quantile(wetness, 1 - fraction, axis=(1, 2), keepdims=True)
    return np.where(wetness > edge, 1, images).astype(np.float32)


def dotted_line(images: Images, rng: np.random.Generator, *, gap: int) -> Images:
    """Draw a line of dots, `gap` pixels apart, across each image in a random direction."""
    marked = images.copy()
    for image in marked:
        start, direction = _crossing(rng)
        for step in range(0, 60, gap):
            row, column = np.rint(start + step * direction).astype(int)
            if 0 <= row < 28 and 0 <= column < 28:
                image[row, column] = 1
    return marked


def zigzag(images: Images, rng: np.random.Generator, *, teeth: int, height: float) -> Images:
    """Draw a zigzag line across each image in a random direction: `teeth` teeth, `height` pixels to each side."""
    from skimage.draw import line_aa  # an optional package

    marked = images.copy()
    for image in marked:
        start, direction = _crossing(rng)
        side = np.array([-direction[1], direction[0]]) * height
        along = np.linspace(0, 38, 2 * teeth + 1)
        corners = [start + step * direction + side * (-1) ** index for index, step in enumerate(along)]
        for first, second in pairwise(corners):
            rows, columns, strength = line_aa(*np.rint(first).astype(int), *np.rint(second).astype(int))
            inside = (rows >= 0) & (rows < 28) & (columns >= 0) & (columns < 28)
            there = rows[inside], columns[inside]
            image[there] = np.maximum(image[there], strength[inside])
    return marked


def canny_edges(images: Images, rng: np.random.Generator, *, sigma: float) -> Images:
    """Keep only the edges (J. Canny, "A Computational Approach to Edge Detection", 1986)."""
    from skimage.feature import canny  # an optional package

    del rng  # this corruption is not random
    edges: Images = np.stack([canny(image, sigma=sigma) for image in images]).astype(np.float32)
    return edges


def _crossing(rng: np.random.Generator) -> tuple[Points, Points]:
    """Return the start, on the border, and the direction of a random line that passes near the center."""
    angle = rng.uniform(0, 2 * np.pi)
    direction = np.array([np.sin(angle), np.cos(angle)])
    aside = rng.uniform(-5, 5) * np.array([-direction[1], direction[0]])
    return np.array([13.5, 13.5]) - 19 * direction + aside, direction


def shot_noise(images: Images, rng: np.random.Generator, *, photons: float) -> Images:
    """Replace each pixel by a random count of photons (Poisson), with a mean of `photons` for white."""
    return rng.poisson(images * photons).astype(np.float32) / np.float32(photons)


def impulse_noise(images: Images, rng: np.random.Generator, *, fraction: float) -> Images:
    """Turn a `fraction` of the pixels black or white."""
    hit = rng.random(images.shape) < fraction
    return np.where(hit, rng.integers(0, 2, images.shape), images).astype(np.float32)


def shear(images: Images, rng: np.random.Generator, *, limit: float) -> Images:
    """Shear by `limit` columns for each row, to the left or to the right."""
    lean = limit * rng.choice([-1.0, 1.0], len(images))
    one, none = np.ones_like(lean), np.zeros_like(lean)
    return _transformed(images, np.stack([one, none, lean, one], axis=1))


def scale(images: Images, rng: np.random.Generator, *, factor: float) -> Images:
    """Shrink to `factor` times the size, around the center."""
    del rng  # this corruption is not random
    return _transformed(images, np.tile([1 / factor, 0, 0, 1 / factor], (len(images), 1)))


def rotate(images: Images, rng: np.random.Generator, *, degrees: float) -> Images:
    """Rotate by `degrees` / 2 to `degrees` in either direction."""
    angle = np.radians(rng.uniform(degrees / 2, degrees, len(images))) * rng.choice([-1, 1], len(images))
    return _transformed(images, np.stack([np.cos(angle), -np.sin(angle), np.sin(angle), np.cos(angle)], axis=1))


def translate(images: Images, rng: np.random.Generator, *, pixels: int) -> Images:
    """Move by `pixels` up or down, and by `pixels` left or right."""
    moved = np.zeros_like(images)
    for index, (down, right) in enumerate(rng.choice([-pixels, pixels], (len(images), 2))):
        source = images[index, max(0, -down) : 28 - max(0, down), max(0, -right) : 28 - max(0, right)]
        moved[index, max(0, down) : 28 - max(0, -down), max(0, right) : 28 - max(0, -right)] = source
    return moved


def _transformed(images: Images, matrices: npt.NDArray[np.float64]) -> Images:
    """Transform each image around its center. Each of `matrices` maps an output (row, column) to an input one."""
    center = np.array([13.5, 13.5])
    return np.stack(
        [
            affine_transform(image, matrix, center - matrix @ center, order=1)
            for image, matrix in zip(images, matrices.reshape(-1, 2, 2), strict=True)
        ]
    )


CORRUPTIONS: dict[str, Corruption] = {
    "shot noise": Corruption("photon noise of a dark camera (Poisson)", shot_noise, {"photons": 5}),
    "impulse noise": Corruption("random black and white pixels", impulse_noise, {"fraction": 0.17}),
    "glass blur": Corruption("frosted glass: near pixels swapped", glass_blur, {"sigma": 0.7, "reach": 1}),
    "motion blur": Corruption("moved in a random direction", motion_blur, {"length": 6}),
    "shear": Corruption("slanted", shear, {"limit": 0.4}),
    "scale": Corruption("smaller", scale, {"factor": 0.6}),
    "rotate": Corruption("rotated by 15 to 30 degrees", rotate, {"degrees": 30}),
    "brightness": Corruption("brighter", brightness, {"amount": 0.5}),
    "translate": Corruption("off center", translate, {"pixels": 3}),
    "stripe": Corruption("vertical stripe in the middle inverted", stripe, {"width": 8}),
    "fog": Corruption("behind clouds (a fractal)", fog, {"amount": 1.5, "roughness": 1.5}),
    "spatter": Corruption("white drops", spatter, {"fraction": 0.12, "sigma": 1.2}),
    "dotted line": Corruption("dotted line across", dotted_line, {"gap": 3}),
    "zigzag": Corruption("zigzag line across", zigzag, {"teeth": 6, "height": 2.5}, needs_skimage=True),
    "canny edges": Corruption("edges only", canny_edges, {"sigma": 0.8}, needs_skimage=True),
}
"""Name -> corruption. To add one, add a function and a row here."""

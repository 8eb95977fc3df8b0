"""`ModelInput`: what a model takes for images and for pictures."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from mnist_runtime.artifact.manifest import Manifest
from mnist_runtime.errors import UsageError
from mnist_runtime.preprocess.decode import PictureSource, load_pixels
from mnist_runtime.preprocess.pixels import as_pixels
from mnist_runtime.preprocess.prepare import prepare

__all__ = ["ModelInput"]

Pixels = npt.NDArray[np.uint8]


class ModelInput:
    """Images and pictures as the input of one model.

    Parameters
    ----------
    manifest : Manifest
        The facts about the model.
    """

    def __init__(self, manifest: Manifest) -> None:
        self.task = manifest.task
        self._shape = manifest.tensor_shape
        self._table = _table(manifest.input)

    def image(self, picture: PictureSource) -> Pixels:
        """Return a picture, in the forms of `Classifier.classify`, as an image (h, w) or (h, w, 3) after `prepare`."""
        form = (self.task.image_shape, np.uint8) if self.task.preparation == "plain" else None
        if isinstance(picture, np.ndarray) and (picture.shape, picture.dtype) == form:
            return picture  # never a frame with planes of color, which `load_pixels` rejects
        return prepare(load_pixels(picture), self.task)

    def images(self, images: npt.ArrayLike) -> Pixels:
        """Return `images`, in the forms of `Classifier.predict`, as uint8 of shape (n, h, w) or (n, h, w, 3).

        Raises
        ------
        UsageError
            If they have another shape, or are not pixels.
        """
        pixels, shape = as_pixels(images), self.task.image_shape
        if pixels.shape[1:] == shape:
            return pixels
        if pixels.shape == shape or pixels.shape[1:] in ((self.task.pixels,), self.task.tensor_shape):
            return pixels.reshape(-1, *shape)
        needed = ", ".join(map(str, ("n", *shape)))
        raise UsageError(
            f"The images have shape {pixels.shape}, but ({needed}) is needed. For other pictures use `classify`."
        )

    def tensor(self, images: Pixels) -> npt.NDArray[Any]:
        """Return images ``(n, h, w[, 3])`` as the model's input: raw pixels, or scaled if it was exported so."""
        if self.task.channels > 1 and self._shape[0] == self.task.channels:
            images = np.ascontiguousarray(np.moveaxis(images, -1, 1))
        pixels = images.reshape(len(images), *self._shape)
        return pixels if self._table is None else self._table[pixels]


def _table(facts: dict[str, Any]) -> npt.NDArray[Any] | None:
    """Return the input value of each raw pixel 0..255; None if that is the pixel itself."""
    if "scale" not in facts:
        return None
    pixels, dtype = np.arange(256, dtype=np.uint8), np.dtype(facts["dtype"])
    values: npt.NDArray[Any] = pixels * np.float32(facts["scale"]) + np.float32(facts["offset"])
    if dtype.kind != "f":
        limits = np.iinfo(dtype)
        values = np.clip(np.rint(pixels * float(facts["scale"]) + float(facts["offset"])), limits.min, limits.max)
    return values.astype(dtype)

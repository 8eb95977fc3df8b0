"""Prepare pictures for a model, and arrays as its input.

For digits, extract the ink of a clean drawing or a photograph, and normalize it. Other pictures are only resized.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from mnist_runtime.artifact.manifest import Manifest
from mnist_runtime.artifact.task import DIGITS, Task
from mnist_runtime.errors import BlankError, UsageError
from mnist_runtime.preprocess.decode import PictureSource, load_pixels
from mnist_runtime.preprocess.grayscale import FloatImage, color_axis, grayscale
from mnist_runtime.preprocess.ink.clean import clean_ink, flat_background_ink, separate_strokes, without_box
from mnist_runtime.preprocess.ink.strokes import is_scribble
from mnist_runtime.preprocess.ink.symbols import digit_marks, main_symbol
from mnist_runtime.preprocess.normalize import FIELD, normalize
from mnist_runtime.preprocess.pixels import as_pixels
from mnist_runtime.preprocess.plain import plain
from mnist_runtime.system.process import usual_errors

__all__ = ["Ink", "ModelInput", "Prepared", "prepare", "prepare_symbols"]

Pixels = npt.NDArray[np.uint8]

LONGEST = 640
"""Longer side, in pixels, to which a picture is reduced."""
SMALLEST = 1 / 40
"""Smallest size of a digit, as a fraction of the longer side: 16 of 640 pixels."""
SMALL = 48
"""Least longer side of a photograph, in pixels."""
MOST_MARKS = 8
"""Most symbols that are classified, those with the most ink."""


class Ink(NamedTuple):
    """One symbol, prepared for a model.

    Parameters
    ----------
    image : ndarray of shape (28, 28), dtype uint8
        White on black, as in MNIST.
    is_scribble : bool
        Whether the strokes enclose more areas than a digit's.
    """

    image: npt.NDArray[np.uint8]
    is_scribble: bool

    @classmethod
    def of(cls, strokes: FloatImage) -> Ink:
        """Normalize the ink (h, w), 0..255, of one symbol."""
        return cls(normalize(strokes), is_scribble(strokes))


class Prepared(NamedTuple):
    """The symbols of a picture that should show one digit.

    Parameters
    ----------
    ink : Ink
        The main symbol, with everything near it.
    marks : list of Ink
        All symbols with the size of a digit, if there are several and they stand apart; else empty.
    number : int
        Number of such symbols.
    """

    ink: Ink
    marks: list[Ink]
    number: int


def prepare(picture: npt.NDArray[Any], task: Task = DIGITS) -> npt.NDArray[np.uint8]:
    """Convert a picture to an image for the models of a task, by default a picture of one digit to an MNIST image.

    Parameters
    ----------
    picture : ndarray of shape (h, w) or (h, w, 1..4), dtype uint8
        Gray, gray with alpha, RGB or RGB with alpha. For the preparation ``"mnist"``, dark ink on a light background or
        the reverse. For ``"plain"``, anything: only colors and size are changed, and transparent areas become white.
    task : Task, optional
        Size and channels of the image, and its preparation.

    Returns
    -------
    ndarray of shape ``task.image_shape``, (28, 28) for digits, dtype uint8
        White on black for the preparation ``"mnist"``.

    Raises
    ------
    PictureError
        If shape or dtype are wrong, or it has more than 50 million pixels.
    BlankError
        If it shows no clear strokes and the preparation is ``"mnist"``.

    Examples
    --------
    >>> page = np.full((200, 100, 3), 240, np.uint8)
    >>> page[40:160, 45:55] = 30  # a one
    >>> image = prepare(page)
    >>> image.shape, int(image.max()), int((image.max(axis=1) > 0).sum())
    ((28, 28), 255, 20)
    """
    if task.preparation == "plain":
        return plain(picture, *task.tensor_shape)
    return normalize(_strokes(picture, with_marks=False)[0])


def prepare_symbols(picture: PictureSource) -> Prepared:
    """Prepare a picture, in any form of `load_pixels`, as `prepare` does, and other symbols that may be digits."""
    strokes, marks, number = _strokes(load_pixels(picture), with_marks=True)
    return Prepared(Ink.of(strokes), [Ink.of(mark) for mark in marks], number)


def _strokes(picture: npt.NDArray[Any], *, with_marks: bool) -> tuple[FloatImage, list[FloatImage], int]:
    """Return the ink (h, w), 0..255, of the main symbol and of all marks, and the number of marks."""
    with usual_errors():
        try:
            return _strokes_of(grayscale(picture, LONGEST), with_marks)
        except BlankError:
            colors = color_axis(picture, LONGEST)
            if colors is None:
                raise
            return _strokes_of(colors, with_marks)


def _strokes_of(gray: FloatImage, with_marks: bool) -> tuple[FloatImage, list[FloatImage], int]:
    """Return what `_strokes` does for a drawing or a photograph (h, w), 0..255."""
    if max(gray.shape) < SMALL:
        ink = flat_background_ink(without_box(gray))
        separate = separate_strokes(ink) if with_marks and max(gray.shape) > FIELD else []
        return ink, separate, len(separate)
    clean = clean_ink(gray)
    if clean is not None:
        return clean, [], 1
    # Imported only when needed, which saves some milliseconds for clean pictures.
    from mnist_runtime.preprocess.ink.photo import photo_ink

    found = photo_ink(gray, SMALLEST)
    if not found.symbols:
        if found.lines.any():
            raise BlankError("The picture shows ruled lines or empty frames, but no digit in them.")
        raise BlankError("The picture shows no clear strokes. Take it with more contrast, in even light.")
    marks = digit_marks(found.symbols, gray.shape) if with_marks else []
    return (
        found.extract(main_symbol(found.symbols, gray.shape)),
        [found.extract(mark) for mark in marks[:MOST_MARKS]],
        len(marks),
    )


class ModelInput:
    """Convert images and pictures to the input of one model.

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
            return picture  # its shape is right, so it cannot be a frame that `load_pixels` rejects
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

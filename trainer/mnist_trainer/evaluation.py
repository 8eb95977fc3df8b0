"""`evaluate`: how well a Keras model does on a data set, as a whole and digit by digit."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from mnist_trainer.digit_model import digit_model
from mnist_trainer.errors import ModelError

if TYPE_CHECKING:
    import keras

    from mnist_trainer.dataset import Dataset

__all__ = ["Evaluation", "evaluate"]


@dataclass(frozen=True, eq=False)
class Evaluation:
    """What came out.

    Parameters
    ----------
    dataset, split : str
        Which images.
    images : int
        How many.
    accuracy : float
        Share of right answers, 0..1.
    confusion : ndarray of shape (10, 10), dtype int64
        Row = true digit, column = answer.
    """

    dataset: str
    split: str
    images: int
    accuracy: float
    confusion: npt.NDArray[np.int64]

    def as_dict(self) -> dict[str, object]:
        """Return plain values, ready for JSON."""
        return {
            "dataset": self.dataset,
            "split": self.split,
            "images": self.images,
            "accuracy": self.accuracy,
            "confusion": self.confusion.tolist(),
        }


def evaluate(model: keras.Model, data: Dataset, pixel_scale: float = 1 / 255) -> Evaluation:
    """Classify every image of `data` and compare with the labels.

    Parameters
    ----------
    model : keras.Model
        Takes ``(n, 28, 28)``, ``(n, 28, 28, 1)`` or ``(n, 784)``, gives ten scores.
    data : Dataset
        The images.
    pixel_scale : float
        What pixels 0..255 are multiplied by: 1/255 for a model trained on 0..1, 1 for one trained on 0..255.

    Raises
    ------
    ModelError
        If the model takes or gives another shape, fails, or gives scores that are not finite.

    Examples
    --------
    >>> from mnist_trainer.datasets import load_data
    >>> from mnist_trainer.model_file import load_model
    >>> evaluate(load_model("cnn"), load_data("digits").test).accuracy > 0.9
    True
    """
    model = digit_model(model)
    pixels = data.images.reshape(-1, *model.input_shape[1:]).astype(np.float32) * np.float32(pixel_scale)
    scores = model.predict(pixels, batch_size=500, verbose=0)
    if not np.isfinite(scores).all():
        raise ModelError("Expected a model that gives finite scores, received nan or infinity; train it again.")
    answers = np.argmax(scores, axis=1)
    confusion = np.zeros((10, 10), np.int64)
    np.add.at(confusion, (data.labels, answers), 1)
    return Evaluation(data.name, data.split, len(data), float(np.mean(answers == data.labels)), confusion)

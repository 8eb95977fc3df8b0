"""`Distillation`: what is taken over from a larger model that is already trained.

Source: G. Hinton, O. Vinyals, J. Dean, "Distilling the Knowledge in a Neural Network", 2015.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import tensorflow as tf

__all__ = ["Distillation"]


@dataclass(frozen=True)
class Distillation:
    """Whose answers are learned, and how much they count beside the labels.

    Parameters
    ----------
    teacher : str
        What `mnist_trainer.model_file.load_model` takes: the name of a ready model or the path of a file.
    share : float
        0..1, of the answers; the rest is the label.
    temperature : float
        At least 1: the answers' shares are raised to its inverse and so made more alike, which shows what a digit is
        nearly. The student's scores become as flat; `mnist_trainer.training.train` sharpens them at the end.
    """

    teacher: str
    share: float
    temperature: float

    def __call__(self, images: tf.Tensor, targets: tf.Tensor) -> tf.Tensor:
        """Return targets, float (n, 10), between those given and the teacher's for `images`, uint8 (n, 28, 28, 1).

        Flat targets, those of pictures that show no digit, stay flat.

        Examples
        --------
        >>> import numpy as np
        >>> blank, sure = np.zeros((2, 28, 28, 1), np.uint8), np.array([[1] + [0] * 9, [0.1] * 10], np.float32)
        >>> targets = np.asarray(Distillation(teacher="cnn", share=0.5, temperature=4.0)(blank, sure))
        >>> 0.5 < targets[0, 0] < 1, np.allclose(targets[1], 0.1)
        (True, True)
        """
        import tensorflow as tf

        from mnist_trainer.model_file import load_model

        scaled = (
            tf.data.Dataset.from_tensor_slices(images).batch(500).map(lambda batch: tf.cast(batch, tf.float32) / 255)
        )
        shares = load_model(self.teacher).predict(scaled, verbose=0) ** (1.0 / self.temperature)
        answers = shares / shares.sum(axis=1, keepdims=True)
        is_digit = tf.reduce_max(targets, axis=1, keepdims=True) > 0.5
        return tf.where(is_digit, self.share * answers + (1.0 - self.share) * targets, targets)

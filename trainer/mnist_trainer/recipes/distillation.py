"""`Distillation`: settings for training with the softened scores of a larger, trained model, the teacher.

Source: G. Hinton, O. Vinyals, J. Dean, "Distilling the Knowledge in a Neural Network", 2015.
"""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["Distillation"]


@dataclass(frozen=True)
class Distillation:
    """The teacher model, and how its scores are used as targets.

    The teacher's scores are used only for images that it classifies correctly, so that its mistakes are not learned.

    Parameters
    ----------
    teacher : str
        Name of a ready model or path of a model file, as for `mnist_trainer.load_model`.
    fraction : float
        Weight of the teacher's scores in the target, 0..1. The rest is the weight of the label.
    temperature : float
        At least 1. The teacher's probabilities are raised to the power of 1 / `temperature` and normalized, so that
        unlikely classes count more. This makes the student's scores less confident too, which temperature scaling
        corrects after training.
    views : int
        Number of slightly changed copies of each image. If it is not 0, half of the teacher's part of the target is its
        mean score over these copies and the unchanged image, the same in each epoch. The other half is its score for
        the image in the batch.
    """

    teacher: str
    fraction: float
    temperature: float
    views: int = 0

"""`Distillation`: training with the softened answers of a larger, trained model.

Source: G. Hinton, O. Vinyals, J. Dean, "Distilling the Knowledge in a Neural Network", 2015.
"""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["Distillation"]


@dataclass(frozen=True)
class Distillation:
    """The teacher model and the weight of its answers.

    Only images that the teacher classifies correctly use its answer, so that its mistakes do no harm.

    Parameters
    ----------
    teacher : str
        Name of a ready model or path of a model file, as for `mnist_trainer.load_model`.
    fraction : float
        Weight of the teacher's answer in the target, 0..1. The rest is the label.
    temperature : float
        At least 1. The teacher's probabilities are raised to the power of 1 / `temperature` and normalized, so that
        unlikely classes count more. This makes the student's scores flat too; after training, temperature scaling
        corrects them.
    views : int
        Number of slightly changed views of each image. If it is not 0, half of the teacher's part is its mean answer to
        them and to the unchanged image, the same in each epoch; the other half is its answer to the image in the batch.
    """

    teacher: str
    fraction: float
    temperature: float
    views: int = 0

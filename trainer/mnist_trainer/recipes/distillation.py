"""`Distillation`: what is taken over from a larger model that is already trained.

The teacher is heard where its answer is the label: on pictures unlike those that it knows it does no harm.

Source: G. Hinton, O. Vinyals, J. Dean, "Distilling the Knowledge in a Neural Network", 2015.
"""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["Distillation"]


@dataclass(frozen=True)
class Distillation:
    """Whose answers are learned, and how much they count beside the labels.

    Parameters
    ----------
    teacher : str
        What `mnist_trainer.model_io.load.load_model` takes: the name of a ready model or the path of a file.
    fraction : float
        0..1, of the answers, where they are right; the rest is the label.
    temperature : float
        At least 1: the answers' shares are raised to its inverse and so made more alike, which shows what a digit is
        nearly. The student's scores become as flat; `mnist_trainer.training.train.train` sharpens them at the end.
    """

    teacher: str
    fraction: float
    temperature: float

"""`Assessment`: one model among several that are looked at side by side."""

from __future__ import annotations

from typing import NamedTuple

from mnist_trainer.evaluation import Evaluation
from mnist_trainer.robustness import Robustness

__all__ = ["Assessment"]


class Assessment(NamedTuple):
    """What is known of one model.

    Parameters
    ----------
    name : str
        As on the command line.
    evaluation : Evaluation
        On the test images as they are.
    robustness : Robustness or None
        Off the beaten path; None if it was not asked for.
    """

    name: str
    evaluation: Evaluation
    robustness: Robustness | None

    def as_dict(self) -> dict[str, object]:
        """Return plain values, ready for JSON."""
        off_the_path = {"robustness": self.robustness.as_dict()} if self.robustness else {}
        return {"model": self.name, **self.evaluation.as_dict(), **off_the_path}

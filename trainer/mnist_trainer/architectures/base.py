"""base."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from mnist_trainer.recipes.recipe import Recipe

if TYPE_CHECKING:
    import keras


__all__ = ["Architecture"]


@dataclass(frozen=True)
class Architecture:
    """A network by name: `build` makes it afresh, untrained, for pixels scaled to 0..1.

    `build` returns a `keras.Model` from ``float32 (n, 28, 28[, 1])`` to ten scores ``float32 (n, 10)``.
    """

    name: str
    summary: str
    build: Callable[[], keras.Model]
    recipe: Recipe

"""Functions of Keras 2 that have another meaning in Keras 3."""

from __future__ import annotations

from typing import Any

import keras

__all__ = ["HARD_SIGMOID", "hard_sigmoid"]

HARD_SIGMOID = "mnist_trainer>hard_sigmoid_of_keras_2"
"""Name under which Keras finds `hard_sigmoid`."""


@keras.saving.register_keras_serializable("mnist_trainer", "hard_sigmoid_of_keras_2")  # type: ignore[untyped-decorator]
def hard_sigmoid(x: Any) -> Any:
    """Return clip(x / 5 + 1 / 2) to 0..1; the function of this name in Keras 3 is clip(x / 6 + 1 / 2)."""
    return keras.ops.clip(0.2 * x + 0.5, 0.0, 1.0)

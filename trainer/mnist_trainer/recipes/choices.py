"""choices."""

from __future__ import annotations

from typing import Any

__all__ = ["OPTIMIZERS", "PRECISIONS", "SCHEDULES"]


OPTIMIZERS: dict[str, tuple[str, dict[str, Any]]] = {
    "adam": ("keras.optimizers:Adam", {}),
    "adamw": ("keras.optimizers:AdamW", {"weight_decay": 0.0}),
    "nadam": ("keras.optimizers:Nadam", {}),
    "rmsprop": ("keras.optimizers:RMSprop", {}),
    "sgd": ("keras.optimizers:SGD", {"momentum": 0.9, "nesterov": True}),
}
"""Name -> ``"module:attribute"`` of the class, and what it is given unless the recipe says otherwise."""


SCHEDULES = ("one-cycle", "constant")
"""``one-cycle``: from 1/25 of the peak up to it in a quarter of the steps, then down to zero, along cosines.

Source: L. N. Smith, N. Topin, "Super-Convergence", 2018.
"""


PRECISIONS = ("float32", "mixed_bfloat16")
"""The policies of Keras for the arithmetic of layers; under either, weights and statistics are float32.

Source: D. Kalamkar and others, "A Study of BFLOAT16 for Deep Learning Training", 2019. Where a processor has
instructions for it (AVX512-BF16, AMX) wide layers take half the time; narrow ones take longer.
"""

"""The optimizers, schedules, precisions and strategies that a user can choose, by name."""

from __future__ import annotations

from typing import Any

__all__ = ["OPTIMIZERS", "PRECISIONS", "SCHEDULES", "STRATEGIES"]

OPTIMIZERS: dict[str, tuple[str, dict[str, Any]]] = {
    "adam": ("keras.optimizers:Adam", {}),
    "adamw": ("keras.optimizers:AdamW", {"weight_decay": 0.0}),
    "nadam": ("keras.optimizers:Nadam", {}),
    "rmsprop": ("keras.optimizers:RMSprop", {}),
    "sgd": ("keras.optimizers:SGD", {"momentum": 0.9, "nesterov": True}),
}
"""Name -> ``"module:class"`` and the default arguments. A recipe can override the weight decay."""

SCHEDULES = ("one-cycle", "constant")
"""Learning rate schedules.

``one-cycle``: a cosine from 1/25 of the peak up to the peak, during the first quarter of the steps; then a cosine down
to zero. ``constant``: the peak in every step.

Source: L. N. Smith, N. Topin, "Super-Convergence", 2018.
"""

PRECISIONS = ("float32", "mixed_bfloat16")
"""Keras dtype policies for the arithmetic of layers. Weights and statistics are float32 with both of them.

On a processor with bfloat16 instructions (AVX512-BF16, AMX), ``mixed_bfloat16`` halves the time of wide layers. Narrow
layers become slower.

Source: D. Kalamkar and others, "A Study of BFLOAT16 for Deep Learning Training", 2019.
"""

STRATEGIES: dict[str, str] = {
    "mirrored": "tensorflow:distribute.MirroredStrategy",
    "multi-worker": "tensorflow:distribute.MultiWorkerMirroredStrategy",
}
"""Name -> ``"module:class"``: strategies for all devices of this machine, or of all machines in ``TF_CONFIG``."""

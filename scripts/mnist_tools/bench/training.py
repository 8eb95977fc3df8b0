"""Time steps of Keras's own network and of its training copies, side by side; run by scripts/bench-training."""

from __future__ import annotations

import os
import time

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import keras
import numpy as np

from mnist_trainer.architectures.registry import architecture
from mnist_trainer.recipes.choices import PRECISIONS
from mnist_trainer.training.techniques.fused_batch_norm import fused_batch_norm
from mnist_trainer.training.techniques.optimizer import build_optimizer

NETWORKS = ("tiny", "cnn", "accurate")
BATCH, STEPS, ROUNDS = 256, 16, 5


def trained(name: str, precision: str | None) -> keras.Model:
    """Return a compiled network: a training copy, or, without a precision, the one that Keras builds."""
    chosen = architecture(name)
    model = chosen.build() if precision is None else fused_batch_norm(chosen.build(), precision)
    model.compile(build_optimizer(chosen.recipe, 200), loss=chosen.recipe.loss, steps_per_execution=STEPS)
    return model


def step_ms(model: keras.Model, images: np.ndarray, labels: np.ndarray) -> float:  # type: ignore[type-arg]
    """Return the milliseconds of one step, of `STEPS` that follow each other."""
    began = time.perf_counter()
    model.fit(images, labels, batch_size=BATCH, shuffle=False, verbose=0)
    return 1000 * (time.perf_counter() - began) / STEPS


def main() -> None:
    """Print one line a network; each column is the fastest of some rounds, in which all take turns."""
    random = np.random.default_rng(0)
    images = random.random((BATCH * STEPS, 28, 28, 1), np.float32)
    labels = np.eye(10, dtype=np.float32)[random.integers(0, 10, len(images))]
    print(f"{'':10}{'Keras, ms a step':>18}" + "".join(f"{precision:>16}{'':7}" for precision in PRECISIONS))
    for name in NETWORKS:
        models = [trained(name, precision) for precision in (None, *PRECISIONS)]
        rounds = [[step_ms(model, images, labels) for model in models] for _ in range(1 + ROUNDS)]
        plain, *copies = np.min(rounds[1:], axis=0)
        print(f"{name:10}{plain:18.1f}" + "".join(f"{copy:16.1f} {copy / plain:4.2f} x" for copy in copies))


if __name__ == "__main__":
    main()

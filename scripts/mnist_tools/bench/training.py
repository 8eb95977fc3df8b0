"""Time one training step of Keras's own network and of the trainer's faster copies, side by side."""

from __future__ import annotations

import argparse
import os
import time
from collections.abc import Sequence
from typing import Any

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import keras
import numpy as np
import numpy.typing as npt

from mnist_trainer.architectures.registry import architecture
from mnist_trainer.recipes.choices import PRECISIONS
from mnist_trainer.training.techniques.fused_batch_norm import fused_batch_norm
from mnist_trainer.training.techniques.optimizer import build_optimizer

__all__ = ["main"]

NETWORKS = ("tiny", "cnn", "accurate")
BATCH, STEPS, ROUNDS = 256, 16, 5


def _compiled(name: str, precision: str | None) -> keras.Model:
    """Return a compiled network: the trainer's copy in `precision`, or Keras's own network for None."""
    chosen = architecture(name)
    model = chosen.build() if precision is None else fused_batch_norm(chosen.build(), precision)
    model.compile(build_optimizer(chosen.recipe, 200), loss=chosen.recipe.loss, steps_per_execution=STEPS)
    return model


def _step_ms(model: keras.Model, images: npt.NDArray[Any], labels: npt.NDArray[Any]) -> float:
    """Return the mean time of one step, in milliseconds, over `STEPS` steps."""
    began = time.perf_counter()
    model.fit(images, labels, batch_size=BATCH, shuffle=False, verbose=0)
    return 1000 * (time.perf_counter() - began) / STEPS


def main(argv: Sequence[str] | None = None) -> int:
    """Print one line per network. Each column is the fastest of some rounds, in which all take turns."""
    argparse.ArgumentParser(prog="scripts/tool bench training", description=__doc__).parse_args(argv)
    random = np.random.default_rng(0)
    images = random.random((BATCH * STEPS, 28, 28, 1), np.float32)
    labels = np.eye(10, dtype=np.float32)[random.integers(0, 10, len(images))]
    print(f"{'':10}{'Keras, ms a step':>18}" + "".join(f"{precision:>16}{'':7}" for precision in PRECISIONS))
    for name in NETWORKS:
        models = [_compiled(name, precision) for precision in (None, *PRECISIONS)]
        rounds = [[_step_ms(model, images, labels) for model in models] for _ in range(1 + ROUNDS)]
        plain, *copies = np.min(rounds[1:], axis=0)
        print(f"{name:10}{plain:18.1f}" + "".join(f"{copy:16.1f} {copy / plain:4.2f} x" for copy in copies))
    return 0

"""`open_strategy`: how a training is spread over devices or machines; the engine is `tf.distribute`."""

from __future__ import annotations

import json
import os
import pkgutil
from typing import TYPE_CHECKING

from mnist_runtime.native_output import held_back
from mnist_trainer.errors import UsageError

if TYPE_CHECKING:
    import tensorflow as tf

__all__ = ["STRATEGIES", "is_chief", "open_strategy"]

STRATEGIES: dict[str, str] = {
    "mirrored": "tensorflow:distribute.MirroredStrategy",
    "multi-worker": "tensorflow:distribute.MultiWorkerMirroredStrategy",
}
"""Name -> ``"module:attribute"``: all devices of this machine; those of all machines that ``TF_CONFIG`` names."""


def open_strategy(name: str) -> tf.distribute.Strategy:
    """Return the strategy called `name`; of several machines once all of them are there.

    It has to be opened before TensorFlow does anything else.

    Raises
    ------
    UsageError
        If there is no such strategy, or ``TF_CONFIG`` does not say which machines take part and which of them this is.
    """
    if name not in STRATEGIES:
        raise UsageError(f"Expected a strategy ({', '.join(STRATEGIES)}), received {name!r}.")
    if name == "multi-worker":
        _check_cluster(os.environ.get("TF_CONFIG", ""))
    import tensorflow as tf

    with held_back():
        try:
            strategy: tf.distribute.Strategy = pkgutil.resolve_name(STRATEGIES[name])()
        except (RuntimeError, ValueError, tf.errors.OpError) as error:
            reason = next(iter(str(error).splitlines()), type(error).__name__)
            raise UsageError(
                f"Expected machines that reach each other at the addresses in TF_CONFIG, {name} did not start "
                f"({reason}); check the addresses, and that no port is taken."
            ) from error
    return strategy


def is_chief(strategy: tf.distribute.Strategy | None) -> bool:
    """Say whether this machine is the one that writes what all have made: worker 0, or the only one."""
    resolver = strategy.cluster_resolver if strategy else None
    return resolver is None or not resolver.task_id


def _check_cluster(text: str) -> None:
    """Tell what is wrong with ``TF_CONFIG``."""
    example = '{"cluster": {"worker": ["10.0.0.1:5000", "10.0.0.2:5000"]}, "task": {"type": "worker", "index": 0}}'
    try:
        facts = json.loads(text)
        workers, task = facts["cluster"]["worker"], facts["task"]
        found = task["type"] == "worker" and 0 <= int(task["index"]) < len(workers)
    except (ValueError, KeyError, TypeError):
        found = False
    if not found:
        raise UsageError(
            "Expected the environment variable TF_CONFIG to name all workers and which one this is, such as "
            f"{example}, received {text!r}."
        )

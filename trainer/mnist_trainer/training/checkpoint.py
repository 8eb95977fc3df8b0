"""`Checkpoint`: the state of a training after an epoch, in one file."""

from __future__ import annotations

import io
import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from mnist_runtime.errors import raise_machine_failure
from mnist_runtime.system.atomic import atomic_write
from mnist_trainer.errors import ModelError, UsageError

__all__ = ["Checkpoint"]

Arrays = Sequence[npt.NDArray[Any]]

LISTS = ("model", "optimizer", "best", "ema")
"""The fields that are lists of arrays."""


@dataclass(frozen=True, eq=False)
class Checkpoint:
    """Everything that is needed to resume a training after an epoch, with the same weights at the end.

    It contains no state of random generators: random choices depend only on the seed and the numbers of epoch and
    batch.

    Parameters
    ----------
    run : dict
        Everything that determines the weights: architecture, recipe, seed, data set, versions. JSON values.
    history : dict of str to list of float
        Figures of each finished epoch.
    seconds : float
        Training time so far.
    model, optimizer : sequence of ndarray
        Values of all variables, in Keras's order.
    best : sequence of ndarray
        Weights of the epoch with the lowest validation loss; empty for a recipe without patience.
    ema : sequence of ndarray
        Moving average of the trainable weights; empty for a recipe without it.
    """

    run: dict[str, Any]
    history: dict[str, list[float]]
    seconds: float
    model: Arrays
    optimizer: Arrays
    best: Arrays
    ema: Arrays

    def save(self, path: Path) -> None:
        """Write the checkpoint to `path` atomically; an earlier file is replaced.

        Raises
        ------
        OutputError
            If the file cannot be written.
        """
        facts = json.dumps({"run": self.run, "history": self.history, "seconds": self.seconds})
        arrays = {"facts": np.frombuffer(facts.encode(), np.uint8)}
        for name in LISTS:
            arrays |= {f"{name}/{number}": values for number, values in enumerate(getattr(self, name))}
        content = io.BytesIO()  # in memory: after Ctrl-C, an unfinished archive on disk would print an error
        np.savez(content, allow_pickle=False, **arrays)
        with atomic_write(path) as temporary:
            temporary.write_bytes(content.getbuffer())

    @classmethod
    def load(cls, path: Path) -> Checkpoint:
        """Read the checkpoint at `path`.

        Raises
        ------
        ModelError
            If the file is damaged or not a checkpoint.
        """
        try:
            with path.open("rb") as file, np.load(file, allow_pickle=False) as archive:
                arrays = {name: archive[name] for name in archive.files}
            facts = json.loads(arrays["facts"].tobytes())
            lists = {
                name: [arrays[f"{name}/{number}"] for number in range(sum(key.startswith(name) for key in arrays))]
                for name in LISTS
            }
            return cls(facts["run"], facts["history"], facts["seconds"], **lists)
        except Exception as error:  # zipfile, zlib, json and NumPy raise many kinds for a damaged file
            raise_machine_failure(error)
            raise ModelError(
                f"{path} is not a readable checkpoint of a training ({error}). Delete it and train from the start."
            ) from error

    def check_same_run(self, run: dict[str, Any]) -> None:
        """Check that a training with `run` can resume from this checkpoint.

        Raises
        ------
        UsageError
            If `run` differs from the run of this checkpoint.
        """
        saved, wanted = (json.loads(json.dumps(facts)) for facts in (self.run, run))
        if changes := list(_differences(wanted, saved)):
            raise UsageError(
                f"The checkpoint is of another training: {'; '.join(changes)}. Give the same options and data as then, "
                "or leave out --resume to train from the start."
            )


OPTIONS = {"peak_learning_rate": "learning_rate", "dataset": "data"}
"""Key in `Checkpoint.run` -> name of the option, where they differ."""
CONTENTS = ("train", "test", "images")
"""Keys in `Checkpoint.run` whose values are digests. Messages do not show these."""


def _differences(here: dict[str, Any], saved: dict[str, Any]) -> Iterator[str]:
    """Yield each value that differs, without the dictionaries around it."""
    for key in dict.fromkeys([*here, *saved]):
        first, second = here.get(key), saved.get(key)
        if first == second:
            continue
        if isinstance(first, dict) and isinstance(second, dict):
            is_setting = key in ("recipe", "tools")
            inner = _differences(first, second)
            yield from inner if is_setting else (f"{_words(key)}: {text}" for text in inner)
        elif "sha256" in key or key in CONTENTS:
            yield f"{_words(key)} is not the same"
        else:
            yield f"{_words(key)} is {_value(first)} here, but {_value(second)} in the checkpoint"


def _words(key: str) -> str:
    return OPTIONS.get(key, key).replace("sha256", "content").replace("_", " ")


def _value(value: Any) -> str:
    """Return a value as text for a message. A dictionary contains the settings of a technique."""
    if value is None:
        return "not set"
    return "set" if isinstance(value, dict) else str(value)

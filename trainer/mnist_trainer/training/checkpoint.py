"""`Checkpoint`: all that a training run needs to go on after an epoch as if it had never stopped, in one file."""

from __future__ import annotations

import io
import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from mnist_runtime.system.atomic import atomic_write
from mnist_trainer.errors import ModelError, UsageError

__all__ = ["Checkpoint"]

Arrays = Sequence[npt.NDArray[Any]]

KINDS = ("model", "optimizer", "best", "average")
"""The lists of arrays in a checkpoint."""


@dataclass(frozen=True, eq=False)
class Checkpoint:
    """A run after some of its epochs. Random choices are not in it: they follow from seed, epoch and batch.

    Parameters
    ----------
    run : dict
        What the weights follow from: architecture, recipe, seed, images and versions. Plain values.
    history : dict of str to list of float
        The figures of each epoch that is done.
    seconds : float
        The time that those took.
    model, optimizer : sequence of ndarray
        The values of all variables, in Keras's order.
    best : sequence of ndarray
        The weights of the epoch with the smallest validation loss; none where the recipe does not ask for them.
    average : sequence of ndarray
        The running average of the trainable weights; none where the recipe does not ask for it.
    """

    run: dict[str, Any]
    history: dict[str, list[float]]
    seconds: float
    model: Arrays
    optimizer: Arrays
    best: Arrays
    average: Arrays

    def save(self, path: Path) -> None:
        """Write it to `path`, in the place of an earlier one, whole or not at all.

        Raises
        ------
        OutputError
            If it cannot be written.
        """
        facts = json.dumps({"run": self.run, "history": self.history, "seconds": self.seconds})
        arrays = {"facts": np.frombuffer(facts.encode(), np.uint8)}
        for kind in KINDS:
            arrays |= {f"{kind}/{number}": values for number, values in enumerate(getattr(self, kind))}
        content = io.BytesIO()  # an archive that Ctrl-C leaves half written to a file complains when it is collected
        np.savez(content, allow_pickle=False, **arrays)
        with atomic_write(path) as temporary:
            temporary.write_bytes(content.getbuffer())

    @classmethod
    def load(cls, path: Path) -> Checkpoint:
        """Read the file at `path`.

        Raises
        ------
        ModelError
            If it is damaged, or no checkpoint.
        """
        try:
            with path.open("rb") as file, np.load(file, allow_pickle=False) as archive:
                arrays = {name: archive[name] for name in archive.files}
            facts = json.loads(arrays["facts"].tobytes())
            kinds = {
                kind: [arrays[f"{kind}/{number}"] for number in range(sum(name.startswith(kind) for name in arrays))]
                for kind in KINDS
            }
            return cls(facts["run"], facts["history"], facts["seconds"], **kinds)
        except Exception as error:  # zipfile, zlib, json and NumPy raise many kinds for a damaged file
            raise ModelError(
                f"{path}: expected the checkpoint of a training run, could not read it ({error}); delete it and train "
                "from the start."
            ) from error

    def refuse_another_run(self, run: dict[str, Any]) -> None:
        """Be sure that going on with `run` ends where the run of this checkpoint would have.

        Raises
        ------
        UsageError
            If something differs.
        """
        kept, asked = (json.loads(json.dumps(facts)) for facts in (self.run, run))
        if different := [key for key in asked if kept.get(key) != asked[key]]:
            words = "; ".join(f"{key} {asked[key]} where the checkpoint has {kept.get(key)}" for key in different)
            raise UsageError(
                f"Expected the options of the run that is to be resumed, received {words}; repeat its options, or "
                "leave --resume out to train from the start."
            )

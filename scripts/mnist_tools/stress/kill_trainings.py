"""Kill ``mnist-train`` at random times and resume it. The weights must equal those of an uninterrupted run."""

from __future__ import annotations

import argparse
import json
import random
import subprocess
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from mnist_tools.checkout import ToolError, command
from mnist_trainer import ModelError, load_model
from mnist_trainer.training.checkpoint import Checkpoint

__all__ = ["main"]

EPOCHS = 12
OPTIONS = f"--architecture strided --data digits --epochs {EPOCHS} --patience {EPOCHS} --seed 3"
"""This recipe uses all state that a checkpoint holds: averages of weights, optimizer, augmentation, best weights."""


def start(folder: Path, options: str = "") -> subprocess.Popen[str]:
    """Start a training that writes ``it.keras`` into `folder`."""
    words = command(f"mnist-train {OPTIONS} {options} --output", folder / "it.keras")
    return subprocess.Popen(words, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)


def kill(process: subprocess.Popen[str], generator: random.Random) -> None:
    """Kill the process shortly after a random epoch, during the next epoch or the writing of the checkpoint."""
    chosen = f"epoch {generator.randrange(1, EPOCHS + 1):3d}/"
    assert process.stderr is not None
    for line in process.stderr:
        if line.startswith("epoch") and line >= chosen:  # a resumed run may begin after the chosen epoch
            break
    time.sleep(generator.choice((0.0, generator.uniform(0, 0.02), generator.uniform(0, 0.5))))
    process.kill()
    process.communicate()


def finish(process: subprocess.Popen[str]) -> int:
    """Wait for the process and return its exit code."""
    process.communicate()
    return process.returncode


def check_files(folder: Path) -> None:
    """Read all files that exist.

    Raises
    ------
    ModelError or ValueError
        If a file is incomplete.
    """
    if (folder / "it.checkpoint").exists():
        Checkpoint.load(folder / "it.checkpoint")
    if (folder / "it.keras").exists():
        load_model(str(folder / "it.keras"))
    if (folder / "it.json").exists():
        json.loads((folder / "it.json").read_text())


def progress(folder: Path) -> str:
    """Return the number of epochs in the checkpoint, or ``"done"``."""
    if (folder / "it.keras").exists():
        return "done"
    checkpoint = folder / "it.checkpoint"
    return str(len(Checkpoint.load(checkpoint).history["loss"])) if checkpoint.exists() else "0"


def outcome(generator: random.Random, expected: list[npt.NDArray[Any]]) -> str:
    """Kill and resume a run once or twice, and describe how it ended.

    Parameters
    ----------
    generator : random.Random
        Source of the times at which it is killed.
    expected : list of ndarray
        Weights of an uninterrupted run.
    """
    killed_after = []
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        for _ in range(generator.choice((1, 2))):
            kill(start(folder, "--resume"), generator)
            try:
                check_files(folder)
            except (ModelError, ValueError) as error:
                return f"BROKEN: {error}"
            killed_after.append(progress(folder))
        if (code := finish(start(folder, "--resume"))) != 0:
            return f"BROKEN: the resumed run ended with exit code {code}"
        same = all(map(np.array_equal, load_model(str(folder / "it.keras")).get_weights(), expected))
        left = sorted(path.name for path in folder.iterdir() if not path.name.startswith("."))
        if not same or left != ["it.json", "it.keras"]:
            return f"BROKEN: same weights: {same}; files: {', '.join(left)}"
    return f"same weights, killed after epochs {', '.join(killed_after)}"


def main(argv: Sequence[str] | None = None) -> int:
    """Print how each run ended; return 1 if one was broken."""
    parser = argparse.ArgumentParser(prog="scripts/tool stress kill-trainings", description=__doc__)
    parser.add_argument("times", nargs="?", type=int, default=20, help="number of runs to kill (default: 20)")
    times = parser.parse_args(argv).times
    generator = random.Random(0)
    with tempfile.TemporaryDirectory() as name:
        if finish(start(Path(name))) != 0:
            raise ToolError("mnist-train failed. Run it alone to see why.")
        expected = load_model(f"{name}/it.keras").get_weights()
    outcomes = []
    for turn in range(times):
        outcomes.append(outcome(generator, expected))
        print(f"{turn + 1:4d} {outcomes[-1]}", flush=True)
    broken = sum(each.startswith("BROKEN") for each in outcomes)
    print(f"{times - broken} of {times} ended with the weights of an uninterrupted run")
    return int(broken > 0)

"""Kill ``mnist-train`` at random instants and resume it; run by scripts/kill-trainings."""

import json
import random
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np

from mnist_trainer import ModelError, load_model
from mnist_trainer.training.checkpoint import Checkpoint

TRAIN = Path(sys.executable).with_name("mnist-train")
EPOCHS = 12
OPTIONS = ["--architecture", "strided", "--data", "digits", "--epochs", EPOCHS, "--patience", EPOCHS, "--seed", "3"]
"""All that a run carries from epoch to epoch: moving averages, the optimiser, augmentation, the best weights so far."""


def start(folder: Path, *options: str) -> subprocess.Popen[str]:
    """Begin a training that ends in `folder`."""
    command = [TRAIN, *OPTIONS, *options, "--output", folder / "it.keras"]
    return subprocess.Popen(list(map(str, command)), stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)


def kill(process: subprocess.Popen[str], generator: random.Random) -> None:
    """Kill it soon after an epoch by chance, in the midst of the next or while the checkpoint is written."""
    chosen = f"epoch {generator.randrange(1, EPOCHS + 1):3d}/"
    assert process.stderr is not None
    for line in process.stderr:
        if line.startswith("epoch") and line >= chosen:  # one that was resumed may begin behind it
            break
    time.sleep(generator.choice((0.0, generator.uniform(0, 0.02), generator.uniform(0, 0.5))))
    process.kill()
    process.communicate()


def finish(process: subprocess.Popen[str]) -> int:
    """Let it end, and return its exit code."""
    process.communicate()
    return process.returncode


def refuse_half_files(folder: Path) -> None:
    """Be sure that what is there can be read."""
    if (folder / "it.checkpoint").exists():
        Checkpoint.load(folder / "it.checkpoint")
    if (folder / "it.keras").exists():
        load_model(str(folder / "it.keras"))
    if (folder / "it.json").exists():
        json.loads((folder / "it.json").read_text())


def outcome(generator: random.Random, wanted: list[np.ndarray]) -> str:
    """Kill a run once or twice, each time resuming it, and say how it ended."""
    killed_after = []
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        for _ in range(generator.choice((1, 2))):
            kill(start(folder, "--resume"), generator)
            try:
                refuse_half_files(folder)
            except (ModelError, ValueError) as error:
                return f"BROKEN: {error}"
            whole = (folder / "it.keras").exists()
            there = (folder / "it.checkpoint").exists()
            killed_after.append(
                "done" if whole else len(Checkpoint.load(folder / "it.checkpoint").history["loss"]) if there else 0
            )
        if (code := finish(start(folder, "--resume"))) != 0:
            return f"BROKEN: it did not go on, but ended with {code}"
        same = all(map(np.array_equal, load_model(str(folder / "it.keras")).get_weights(), wanted))
        left = sorted(path.name for path in folder.iterdir() if not path.name.startswith("."))
        if not same or left != ["it.json", "it.keras"]:
            return f"BROKEN: same weights {same}, left {left}"
    return f"same weights, killed after epochs {killed_after}"


def main(times: int) -> int:
    """Print how each ended; return 1 if one was broken."""
    generator = random.Random(0)
    with tempfile.TemporaryDirectory() as name:
        if finish(start(Path(name))) != 0:
            raise SystemExit("error: expected a training, it failed")
        wanted = load_model(f"{name}/it.keras").get_weights()
    outcomes = []
    for turn in range(times):
        outcomes.append(outcome(generator, wanted))
        print(f"{turn + 1:4d} {outcomes[-1]}", flush=True)
    broken = sum(ended.startswith("BROKEN") for ended in outcomes)
    print(f"{times - broken} of {times} ended with the very weights of a run that nobody killed")
    return 1 if broken else 0


if __name__ == "__main__":
    sys.exit(main(int(sys.argv[1])))

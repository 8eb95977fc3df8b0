"""Compare the int8 scores of the TFLite interpreters and of the NumPy backend on MNIST and on random images."""

from __future__ import annotations

import argparse
import subprocess
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from mnist_tools.checkout import ROOT, environment, module
from mnist_trainer import load_data

__all__ = ["main"]

Scores = npt.NDArray[np.integer[Any]]

RANDOM_IMAGES = 100_000
READY_MODEL = ROOT / "runtime/mnist_runtime/models/cnn-int8.tflite"
INTERPRETERS = ("numpy", "litert-reference", "litert", "tflite-runtime")


def image_sets() -> dict[str, npt.NDArray[np.uint8]]:
    """Return MNIST's test images and random images, of which half are mostly black, as digits are."""
    generator = np.random.default_rng(0)
    noise = generator.integers(0, 256, (RANDOM_IMAGES, 28, 28), dtype=np.uint8)
    noise[: RANDOM_IMAGES // 2][generator.random((RANDOM_IMAGES // 2, 28, 28), dtype=np.float32) < 0.8] = 0
    return {"MNIST, test": load_data("mnist").test.images, "random": noise}


def matrix(scores: dict[str, Scores]) -> str:
    """Return a Markdown table: for each pair, the number of different digits and the largest difference of a score."""
    lines = ["| | " + " | ".join(scores) + " |", "|---|" + "---|" * len(scores)]
    for name, mine in scores.items():
        cells = []
        for theirs in scores.values():
            digits = int(np.sum(mine.argmax(axis=1) != theirs.argmax(axis=1)))
            steps = int(np.abs(mine.astype(np.int64) - theirs.astype(np.int64)).max())
            cells.append(f"{digits} / {steps}")
        lines.append(f"| {name} | " + " | ".join(cells) + " |")
    return "\n".join(lines)


def main(argv: Sequence[str] | None = None) -> int:
    """Print one table for each file and set of images. Each interpreter runs in a process of its own."""
    parser = argparse.ArgumentParser(prog="scripts/tool studies interpreter-agreement", description=__doc__)
    parser.add_argument("files", nargs="*", type=Path, default=[READY_MODEL], metavar="FILE", help="int8 .tflite files")
    files = parser.parse_args(argv).files
    sets = image_sets()
    with tempfile.TemporaryDirectory() as folder:
        images, scores = Path(folder) / "images.npy", Path(folder) / "scores.npy"
        for file in files:
            for title, each in sets.items():
                np.save(images, each)
                found = {}
                for name in INTERPRETERS:
                    command = module("mnist_tools.studies.interpreter_probe", name, file, images, scores)
                    subprocess.run(command, env=environment(), check=True, stderr=subprocess.DEVNULL)
                    found[name] = np.load(scores)
                print(f"\n{file.name}, {len(each):,} images ({title}): different digits / largest difference, steps\n")
                print(matrix(found), flush=True)
    return 0

"""`Questions`: the images and files that host and guests are asked about; `Answers`: what one of them said."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from mnist_runtime import BACKENDS, BackendError
from mnist_tools.pi.comparison import Comparison, bound
from mnist_trainer import load_data

__all__ = ["Answers", "Questions", "images"]

PROBE = Path(__file__).with_name("probe.py")
DIGITS, NOISE = 150, 50


def images() -> npt.NDArray[np.uint8]:
    """Return 150 real digits and 50 images of noise, half of it mostly black: scores of noise are the more telling."""
    generator = np.random.default_rng(0)
    noise = generator.integers(0, 256, (NOISE, 28, 28), dtype=np.uint8)
    noise[::2][generator.random((NOISE // 2, 28, 28)) < 0.8] = 0
    return np.concatenate([load_data("digits").test.images[:DIGITS], noise])


@dataclass(frozen=True)
class Answers:
    """What a backend said on one machine.

    Parameters
    ----------
    versions : dict of str to str
        Of the backend, Python and NumPy, and the machine's name.
    scores : dict of str to ndarray of shape (n, 10), dtype float32
        Precision of the file -> scores 0..1.
    """

    versions: dict[str, str]
    scores: dict[str, npt.NDArray[np.float32]]

    @classmethod
    def read(cls, said: str, folder: Path) -> Answers:
        """Return what the probe `said` and left in `folder`."""
        with np.load(folder / "scores.npz") as scores:
            return cls(json.loads(said), dict(scores))

    def __str__(self) -> str:
        return ", ".join(f"{name} {version}" for name, version in self.versions.items())

    def compare(self, other: Answers, backend: str) -> dict[str, Comparison]:
        """Return for each precision how far `other`, of another machine, is from these."""
        return {
            precision: Comparison.of(scores, other.scores[precision], bound(backend, precision))
            for precision, scores in self.scores.items()
        }


@dataclass(frozen=True)
class Questions:
    """What is asked: the ready int8 model, which every runtime has, and a float32 file.

    Parameters
    ----------
    images : ndarray of shape (n, 28, 28), dtype uint8
        The same for all.
    exports : dict of str to Path
        Format -> float32 file.
    """

    images: npt.NDArray[np.uint8]
    exports: dict[str, Path]

    def lay(self, backend: str, folder: Path) -> list[str]:
        """Put all that `backend` is asked into `folder`; return the arguments with which Python, there, asks it."""
        shutil.copy(PROBE, folder)
        np.save(folder / "images.npy", self.images)
        row = BACKENDS[backend]
        files = [self.exports[row.format]] if row.runs((row.format,), "float32") else []
        for file in files:
            shutil.copy(file, folder)
        return [PROBE.name, backend, "images.npy", "scores.npz", *(file.name for file in files)]

    def ask_host(self, backend: str, folder: Path) -> Answers:
        """Ask on this machine, in a process of its own, since TFLite's interpreters cannot share one.

        Raises
        ------
        BackendError
            If `backend` does not work here.
        """
        command = [sys.executable, *self.lay(backend, folder)]
        done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
        if done.returncode:
            said = done.stderr.strip().splitlines()[-1:] or ["nothing"]
            raise BackendError(f"Expected {backend} here too, to compare with, under Python 3.11; it says: {said[0]}")
        return Answers.read(done.stdout, folder)

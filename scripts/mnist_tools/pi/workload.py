"""`Workload`: the images and files that host and guests classify. `ProbeResult`: the scores of one machine."""

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

__all__ = ["ProbeResult", "Workload", "images"]

PROBE = Path(__file__).with_name("probe.py")
DIGITS, NOISE = 150, 50


def images() -> npt.NDArray[np.uint8]:
    """Return 150 real digits and 50 random images, half of them mostly black. Random images show differences best."""
    generator = np.random.default_rng(0)
    noise = generator.integers(0, 256, (NOISE, 28, 28), dtype=np.uint8)
    noise[::2][generator.random((NOISE // 2, 28, 28)) < 0.8] = 0
    return np.concatenate([load_data("digits").test.images[:DIGITS], noise])


@dataclass(frozen=True)
class ProbeResult:
    """Scores of one backend on one machine.

    Parameters
    ----------
    versions : dict of str to str
        Versions of the backend, Python and NumPy, and the name of the architecture.
    scores : dict of str to ndarray of shape (n, 10), dtype float32
        Precision of the file -> scores 0..1.
    """

    versions: dict[str, str]
    scores: dict[str, npt.NDArray[np.float32]]

    @classmethod
    def read(cls, printed: str, folder: Path) -> ProbeResult:
        """Read what `probe.py` printed, and the scores that it wrote into `folder`."""
        with np.load(folder / "scores.npz") as scores:
            return cls(json.loads(printed), dict(scores))

    def __str__(self) -> str:
        return ", ".join(f"{name} {version}" for name, version in self.versions.items())

    def compare(self, other: ProbeResult, backend: str) -> dict[str, Comparison]:
        """Compare with the scores of another machine, for each precision."""
        return {
            precision: Comparison.of(scores, other.scores[precision], bound(backend, precision))
            for precision, scores in self.scores.items()
        }


@dataclass(frozen=True)
class Workload:
    """Images and float32 files to classify. The runtime contains the ready int8 model.

    Parameters
    ----------
    images : ndarray of shape (n, 28, 28), dtype uint8
        Images for all machines and backends.
    exports : dict of str to Path
        Format -> float32 file.
    """

    images: npt.NDArray[np.uint8]
    exports: dict[str, Path]

    def prepare(self, backend: str, folder: Path) -> list[str]:
        """Copy the probe, the images and the files for `backend` into `folder`.

        Returns
        -------
        list of str
            Arguments for Python, which must run in the folder.
        """
        shutil.copy(PROBE, folder)
        np.save(folder / "images.npy", self.images)
        row = BACKENDS[backend]
        files = [self.exports[row.format]] if row.runs((row.format,), "float32") else []
        for file in files:
            shutil.copy(file, folder)
        return [PROBE.name, backend, "images.npy", "scores.npz", *(file.name for file in files)]

    def run_on_host(self, backend: str, folder: Path) -> ProbeResult:
        """Run the probe on this machine, in a process of its own: two TFLite interpreters cannot share one.

        Raises
        ------
        BackendError
            If `backend` does not work here.
        """
        command = [sys.executable, *self.prepare(backend, folder)]
        done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
        if done.returncode:
            reason = done.stderr.strip().splitlines()[-1:] or ["no message"]
            raise BackendError(
                f"{backend} does not work on this machine, so there is nothing to compare with: {reason[0]} "
                "Use Python 3.11, for which all interpreters have wheels."
            )
        return ProbeResult.read(done.stdout, folder)

"""Classify a great many images on one classifier and see whether its memory stays as it is; run by scripts/soak.

Linux only: it reads what the process holds from ``/proc``.
"""

import argparse
import re
import statistics
import subprocess
import sys
import time
from pathlib import Path

import numpy as np

from mnist_runtime import BACKENDS, Classifier
from mnist_runtime.backends.registry import backend_version, unsupported_reason

ITSELF = [sys.executable, "-m", "mnist_tools.bench.soak"]
COUNT = 1_000_000
STEPS = 100
"""After each of which the memory is read; the first ten are to warm up."""
BOUND = 1 << 20
"""Bytes by which the process may grow: over a million images, little more than one byte an image."""


def resident() -> int:
    """Return the bytes of memory that this process holds."""
    found = re.search(r"VmRSS:\s*(\d+) kB", Path("/proc/self/status").read_text())
    assert found is not None
    return int(found[1]) * 1024


def growth(classifier: Classifier, count: int) -> int:
    """Classify `count` images, half of them one by one, and return the bytes by which the process grew meanwhile.

    The memory after the last ten of a hundred steps is compared with that after the second ten.
    """
    digits = classifier.golden.images
    half = count // STEPS // 2
    batch = np.resize(digits, (half, 28, 28))
    held = []
    for _ in range(STEPS):
        for index in range(half):
            classifier.predict_proba(digits[index % len(digits)])
        classifier.predict_proba(batch)
        held.append(resident())
    return round(statistics.median(held[-10:]) - statistics.median(held[10:20]))


def soak(backend: str, count: int) -> bool:
    """Print how much the process grows with the ready model in one interpreter, and say whether it is little enough."""
    started = time.perf_counter()
    with Classifier.load(backend=backend) as classifier:
        grown = growth(classifier, count)
    passed = grown <= BOUND
    print(
        f"{'flat' if passed else 'GROWS'}: {backend} {backend_version(backend)}, {count:,} images in "
        f"{time.perf_counter() - started:.0f} s, {resident() / 1e6:.1f} MB at the end, grown by {grown / 1024:.0f} kB "
        f"(bound {BOUND / 1024:.0f} kB)",
        flush=True,
    )
    return passed


def main() -> int:
    """Soak one interpreter or, each in a process of its own, all that are here; return 1 if one grows."""
    parser = argparse.ArgumentParser(prog="soak", description=__doc__.splitlines()[0])
    parser.add_argument("--backend", choices=tuple(BACKENDS), help="default: all that are here")
    parser.add_argument("--count", type=int, default=COUNT, metavar="N", help=f"images (default: {COUNT:,})")
    arguments = parser.parse_args()
    if arguments.backend:
        return int(not soak(arguments.backend, arguments.count))
    codes = [
        subprocess.run([*ITSELF, "--backend", name, "--count", str(arguments.count)], check=False)
        for name in BACKENDS
        if unsupported_reason(name) is None
    ]
    return int(any(done.returncode for done in codes))


if __name__ == "__main__":
    sys.exit(main())

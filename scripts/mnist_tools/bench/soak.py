"""Classify a million images with one classifier and check that its memory does not grow. Linux only.

Each backend runs in a process of its own, because two TFLite interpreters cannot share one.
"""

from __future__ import annotations

import argparse
import subprocess
import time
from collections.abc import Sequence

import numpy as np

from mnist_runtime import BACKENDS, Classifier
from mnist_runtime.backends.registry import backend_version, unsupported_reason
from mnist_tools.checkout import environment, tool
from mnist_tools.memory import STEPS, growth, resident_bytes

__all__ = ["BOUND", "COUNT", "main", "soak"]

COUNT = 1_000_000
BOUND = 1 << 20
"""Largest growth allowed, in bytes: about one byte per image over a million images."""


def memory_growth(classifier: Classifier, count: int) -> int:
    """Classify `count` images, half of them one by one, and return how much the process grew, in bytes."""
    digits = classifier.golden.images
    half = count // STEPS // 2
    batch = np.resize(digits, (half, 28, 28))
    memory = []
    for _ in range(STEPS):
        for index in range(half):
            classifier.predict_proba(digits[index % len(digits)])
        classifier.predict_proba(batch)
        memory.append(resident_bytes())
    return growth(memory)


def soak(classifier: Classifier, backend: str, count: int) -> bool:
    """Print how much the process grows while `classifier` classifies `count` images; return whether it passes."""
    started = time.perf_counter()
    grown = memory_growth(classifier, count)
    passed = grown <= BOUND
    print(
        f"{'flat' if passed else 'GROWS'}: {backend} {backend_version(backend)}, {count:,} images in "
        f"{time.perf_counter() - started:.0f} s, {resident_bytes() / 1e6:.1f} MB at the end, grown by "
        f"{grown / 1024:.0f} kB (bound {BOUND / 1024:.0f} kB)",
        flush=True,
    )
    return passed


def main(argv: Sequence[str] | None = None) -> int:
    """Test one backend, or all that work here; return 1 if the memory of one grows."""
    parser = argparse.ArgumentParser(prog="scripts/tool bench soak", description=__doc__)
    parser.add_argument("--backend", choices=tuple(BACKENDS), help="default: all that work here")
    parser.add_argument("--count", type=int, default=COUNT, metavar="N", help=f"images (default: {COUNT:,})")
    arguments = parser.parse_args(argv)
    if arguments.backend:
        with Classifier.load(backend=arguments.backend) as classifier:
            return int(not soak(classifier, arguments.backend, arguments.count))
    available = [name for name in BACKENDS if unsupported_reason(name) is None]
    lines = [tool("bench soak", "--backend", name, "--count", arguments.count) for name in available]
    codes = [subprocess.run(line, env=environment(), check=False).returncode for line in lines]
    return int(any(codes))

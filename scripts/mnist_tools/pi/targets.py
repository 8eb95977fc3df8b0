"""`TARGETS`: the systems that Raspberry Pis run, and what there is for each to run a model with."""

from __future__ import annotations

from dataclasses import dataclass, field

__all__ = ["PAIRS", "TARGETS", "Target"]


@dataclass(frozen=True)
class Target:
    """One row of `TARGETS`.

    Parameters
    ----------
    architecture, suite : str
        As Debian names them.
    machine : str
        As Python and the names of wheels call the architecture.
    python : (int, int)
        The suite's Python.
    glibc : int
        The suite's C library, 2.x: wheels built for it or an older one install.
    backends : tuple of str
        Rows of `mnist_runtime.BACKENDS` that can be installed there.
    from_debian : dict of str to str
        Packages that have no wheel for it -> the Debian package that is taken instead.
    """

    architecture: str
    suite: str
    machine: str
    python: tuple[int, int]
    glibc: int
    backends: tuple[str, ...]
    from_debian: dict[str, str] = field(default_factory=dict)


NUMPY_AND_PILLOW = {"numpy": "python3-numpy", "pillow": "python3-pil"}

TARGETS: dict[str, Target] = {
    "arm64-bookworm": Target(
        architecture="arm64",
        suite="bookworm",
        machine="aarch64",
        python=(3, 11),
        glibc=36,
        backends=("litert", "tflite-runtime", "onnxruntime", "numpy"),
    ),
    "arm64-trixie": Target(
        architecture="arm64",
        suite="trixie",
        machine="aarch64",
        python=(3, 13),
        glibc=41,
        backends=("litert", "onnxruntime", "numpy"),
    ),
    "armhf-bookworm": Target(
        architecture="armhf",
        suite="bookworm",
        machine="armv7l",
        python=(3, 11),
        glibc=36,
        backends=("tflite-runtime", "numpy"),
        from_debian=NUMPY_AND_PILLOW,
    ),
    "armhf-trixie": Target(
        architecture="armhf",
        suite="trixie",
        machine="armv7l",
        python=(3, 13),
        glibc=41,
        backends=("onnxruntime", "numpy"),
        from_debian={**NUMPY_AND_PILLOW, "onnxruntime": "python3-onnxruntime"},
    ),
}
"""Name -> system. Raspberry Pi OS is Debian; its 32-bit edition is Debian built anew, for ARMv6."""

PAIRS: tuple[tuple[str, str], ...] = tuple((name, each) for name, row in TARGETS.items() for each in row.backends)
"""Each target with each backend that it has."""

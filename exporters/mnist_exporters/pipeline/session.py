"""session."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from mnist_exporters.inputs.calibration import Calibration
    from mnist_exporters.inputs.original import Original
    from mnist_exporters.proof.parity import Reference


CALIBRATION_SAMPLES = 500
"""Default number of calibration images; what the ready models lose with it on MNIST is in docs/results.json."""


GOLDEN_IMAGES = 10
"""Test vectors in a file: one of each digit, 3 kB."""


@dataclass(frozen=True)
class Material:
    """What every export of a run shares: loaded once, the original asked once."""

    original: Original
    reference: Reference
    calibration: Calibration
    threshold: float

"""`Comparison`: all exports of one original side by side, with a recommendation."""

from __future__ import annotations

import dataclasses
import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from mnist_exporters.proof.parity import Parity
from mnist_exporters.proof.reference import Reference
from mnist_exporters.proof.report import ExportReport
from mnist_exporters.reports.flips import confusion, flips
from mnist_exporters.reports.latency import Latency
from mnist_exporters.targets.devices import TARGETS
from mnist_exporters.targets.interpreters import INTERPRETERS

if TYPE_CHECKING:
    from mnist_exporters.inputs.original_model import OriginalModel
    from mnist_exporters.targets.deployment.measure import DeviceFigures

__all__ = ["Candidate", "Comparison"]


@dataclass(frozen=True)
class Candidate:
    """One export with its latencies and its stability.

    Parameters
    ----------
    report : ExportReport
        The export.
    latencies : tuple of Latency
        One for each installed interpreter that runs it; empty if it was refused.
    stability : Parity or None
        The result of `mnist_exporters.pipeline.stability`.
    on_device : tuple of Latency
        The latencies on the device of the comparison; empty if there is none, or if the file fails there.
    device_failure : str
        Why the file has no latencies on the device; empty if it has, or if there is no device.
    """

    report: ExportReport
    latencies: tuple[Latency, ...]
    stability: Parity | None
    on_device: tuple[Latency, ...] = ()
    device_failure: str = ""

    @property
    def name(self) -> str:
        """Format and precision."""
        return f"{self.report.format} {self.report.precision}"

    @property
    def p50_us(self) -> float:
        """Median microseconds of the fastest interpreter here; infinite if none was measured."""
        return min((latency.p50_us for latency in self.latencies), default=math.inf)

    @property
    def device_p50_us(self) -> float:
        """Median microseconds of the fastest interpreter on the device; infinite if none was measured."""
        return min((latency.p50_us for latency in self.on_device), default=math.inf)

    @property
    def targets(self) -> tuple[str, ...]:
        """Devices with an interpreter that can load it: keys of `TARGETS`."""
        return tuple(name for name, row in TARGETS.items() if set(row.interpreters) & set(self.report.loads_on))


@dataclass(frozen=True)
class Comparison:
    """Exports of one original, as ``mnist-export --report`` shows them.

    Parameters
    ----------
    original : OriginalModel
        The model.
    reference : Reference
        Test images and the original's scores.
    candidates : tuple of Candidate
        The exports, in the order in which they were made.
    device : DeviceFigures, optional
        The device on which the exports were measured too; its speed then decides the recommendation.
    """

    original: OriginalModel
    reference: Reference
    candidates: tuple[Candidate, ...]
    device: DeviceFigures | None = None

    @property
    def original_bytes(self) -> int:
        """Bytes of the original's parameters in float32; size ratios refer to it."""
        return self.original.count_params() * 4

    @property
    def place(self) -> str:
        """Where the times that decide the recommendation were measured."""
        return f"{self.device.name} ({self.device.address})" if self.device else "this machine"

    @property
    def recommended(self) -> Candidate | None:
        """The proven export with the best combination of size and speed; None if none was measured.

        It has the smallest geometric mean of two ratios: the size of its file to the smallest, and its median latency
        to the shortest, on the device if there is one. Accuracy does not count, because each export is proven; the
        higher agreement breaks a tie.
        """
        return min(self._measured(), key=lambda row: (self._weight(row), -row.report.parity.agreement), default=None)

    @property
    def reason(self) -> str:
        """Why `recommended` is recommended, in one sentence."""
        best = self.recommended
        if best is None:
            return "No file is recommended, because none was proven and measured."
        smallest, fastest = self._best()
        return (
            f"{best.name}: {best.report.size_bytes / smallest:.2f}x the size of the smallest and "
            f"{self._time(best) / fastest:.2f}x the time of the fastest on {self.place}, the best combination; "
            f"{best.report.parity.agreement:.2%} same answers; loads on {', '.join(best.targets) or 'no known device'}."
        )

    def as_dict(self) -> dict[str, Any]:
        """Return values for JSON."""
        best = self.recommended
        return {
            "original": {
                "name": self.original.name,
                "sha256": self.original.sha256,
                "parameters": self.original.count_params(),
                "float32_bytes": self.original_bytes,
                "accuracy": self.reference.accuracy,
                "accuracy_interval_95": self.reference.interval,
                "pixels": self.original.pixels_as_dict(),
                "confusion": confusion(self.reference.labels, self.reference.scores),
            },
            "dataset": {
                "name": self.reference.dataset,
                "images": len(self.reference.images),
                "labels": self.reference.task.labels,
            },
            "interpreters": {name: row.since for name, row in INTERPRETERS.items()},
            "device": self._device(),
            "recommended": {"format": best.report.format, "precision": best.report.precision} if best else None,
            "reason": self.reason,
            "artifacts": [self._candidate(row) for row in self.candidates],
        }

    def _device(self) -> dict[str, Any] | None:
        if self.device is None:
            return None
        benches = {str(path): one.bench for path, one in self.device.files.items()}
        tests = {str(path): one.self_test for path, one in self.device.files.items()}
        return {
            "address": self.device.address,
            "facts": dataclasses.asdict(self.device.facts),
            "notes": self.device.notes,
            "bench": benches,
            "self_test": tests,
        }

    def _candidate(self, row: Candidate) -> dict[str, Any]:
        return row.report.as_dict() | {
            "ratio": self.original_bytes / row.report.model_bytes,
            "targets": row.targets,
            "latencies": [dataclasses.asdict(latency) for latency in row.latencies],
            "device_latencies": [dataclasses.asdict(latency) for latency in row.on_device],
            "device_failure": row.device_failure or None,
            "stability": row.stability.as_dict() if row.stability else None,
            "confusion": confusion(self.reference.labels, row.report.scores),
            "flips": [
                flip.as_dict() for flip in flips(self.reference, row.report.scores, row.report.parity.judged_threshold)
            ],
        }

    def _time(self, row: Candidate) -> float:
        return row.device_p50_us if self.device else row.p50_us

    def _measured(self) -> list[Candidate]:
        """Return the proven candidates whose time on the device, or here, is known."""
        return [row for row in self.candidates if row.report.path and math.isfinite(self._time(row))]

    def _best(self) -> tuple[int, float]:
        """Return the smallest size and the shortest median latency of the proven and measured candidates."""
        measured = self._measured()
        return min(row.report.size_bytes for row in measured), min(map(self._time, measured))

    def _weight(self, row: Candidate) -> float:
        smallest, fastest = self._best()
        return math.sqrt(row.report.size_bytes / smallest * self._time(row) / fastest)

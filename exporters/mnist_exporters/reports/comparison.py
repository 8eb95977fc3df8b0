"""`Comparison`: all exports of one original side by side, with a recommendation."""

from __future__ import annotations

import dataclasses
import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from mnist_exporters.proof.reference import Reference
from mnist_exporters.reports.candidate import Candidate
from mnist_exporters.reports.flips import confusion, flips
from mnist_exporters.reports.recommendation import RunnerUp, commands_for, next_step, runners_up
from mnist_exporters.targets.interpreters import INTERPRETERS
from mnist_runtime.backends.registry import BACKENDS

if TYPE_CHECKING:
    from mnist_exporters.inputs.original_model import OriginalModel
    from mnist_exporters.reports.circumstances import Circumstances
    from mnist_exporters.targets.deployment.measure import DeviceFigures

__all__ = ["MEASURABLE", "Comparison"]

MEASURABLE = {row.format for row in BACKENDS.values()}
"""Formats that mnist-runtime runs. Only their files are measured by `compare`."""


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
        The device on which the exports were also measured. The latencies there then decide the recommendation.
    circumstances : Circumstances, optional
        Time, machine, versions and data of the report.
    """

    original: OriginalModel
    reference: Reference
    candidates: tuple[Candidate, ...]
    device: DeviceFigures | None = None
    circumstances: Circumstances | None = None

    @property
    def original_bytes(self) -> int:
        """Bytes of the original's parameters in float32, with which sizes are compared."""
        return self.original.count_params() * 4

    @property
    def place(self) -> str:
        """Name of the machine or device whose latencies decide the recommendation."""
        return f"{self.device.name} ({self.device.address})" if self.device else "this machine"

    @property
    def recommended(self) -> Candidate | None:
        """The proven export with the best combination of size and speed; None if there is none.

        It has the smallest geometric mean of two ratios: its file size to the smallest one, and its median latency to
        the shortest one, on the device if there is one. Accuracy does not count, because each export is proven; the
        higher agreement decides between equal candidates. If no latency could be measured, as for C code, it is the
        export with the smallest model.
        """
        best = min(self._measured(), key=lambda row: (self._weight(row), -row.report.parity.agreement), default=None)
        others = [row for row in self.candidates if row.report.path and row.report.format not in MEASURABLE]
        return best or min(others, key=lambda row: row.report.model_bytes, default=None)

    @property
    def reason(self) -> str:
        """Why `recommended` is recommended, in one sentence."""
        best = self.recommended
        if best is None:
            return "No file is recommended, because none was proven and measured."
        same = f"{best.report.parity.agreement:.2%} same answers"
        loads = f"loads on {', '.join(best.targets) or 'no known device'}"
        if not math.isfinite(self.time(best)):
            others = sum(row.report.path is not None for row in self.candidates)
            which = "the only proven file" if others == 1 else f"the smallest model of {others} proven files"
            return f"{best.name}: {which}; its speed is not measured here; {same}; {loads}."
        smallest, fastest = self._best()
        return (
            f"{best.name}: {best.report.size_bytes / smallest:.2f}x the size of the smallest and "
            f"{self.time(best) / fastest:.2f}x the time of the fastest on {self.place}, the best combination; "
            f"{same}; {loads}."
        )

    @property
    def commands(self) -> tuple[str, ...]:
        """The commands that use the recommended file, the one for a Pi first."""
        return commands_for(self.recommended.report) if self.recommended else ()

    @property
    def next_step(self) -> str:
        """Text: how to use a recommended file that mnist-runtime cannot run; empty for other files."""
        return next_step(self.recommended.report) if self.recommended else ""

    @property
    def runners_up(self) -> tuple[RunnerUp, ...]:
        """The proven files that are smaller, faster or for smaller devices than the recommended one."""
        return runners_up(self.candidates, self.recommended, self.time)

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
            "commands": self.commands,
            "runners_up": [
                {"why": one.why, "format": one.row.report.format, "precision": one.row.report.precision}
                for one in self.runners_up
            ],
            "circumstances": self.circumstances.as_dict() if self.circumstances else None,
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

    def time(self, row: Candidate) -> float:
        """Return the median latency in microseconds that counts for the recommendation; infinite if not measured."""
        return row.device_p50_us if self.device else row.p50_us

    def _measured(self) -> list[Candidate]:
        """Return the proven candidates whose latency was measured, on the device if there is one."""
        return [row for row in self.candidates if row.report.path and math.isfinite(self.time(row))]

    def _best(self) -> tuple[int, float]:
        """Return the smallest size and the shortest median latency of the proven and measured candidates."""
        measured = self._measured()
        return min(row.report.size_bytes for row in measured), min(map(self.time, measured))

    def _weight(self, row: Candidate) -> float:
        """Return the geometric mean that `recommended` minimizes."""
        smallest, fastest = self._best()
        return math.sqrt(row.report.size_bytes / smallest * self.time(row) / fastest)

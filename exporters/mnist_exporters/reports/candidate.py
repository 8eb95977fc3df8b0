"""`Candidate`: one export with its measurements, for a comparison."""

from __future__ import annotations

import math
from dataclasses import dataclass

from mnist_exporters.proof.parity import Parity
from mnist_exporters.proof.report import ExportReport
from mnist_exporters.reports.latency import Latency
from mnist_exporters.targets.devices import TARGETS

__all__ = ["Candidate"]


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
        The latencies on the device of the comparison; empty without a device, or if the file failed there.
    device_failure : str
        Why the file has no latencies on the device; empty if it has some, or without a device.
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
    def file(self) -> str:
        """Name of the file; format and precision for a refused export, which has no file."""
        return self.report.path.name if self.report.path else self.name

    @property
    def p50_us(self) -> float:
        """Median microseconds of the fastest interpreter on this machine; infinite if none was measured."""
        return min((latency.p50_us for latency in self.latencies), default=math.inf)

    @property
    def device_p50_us(self) -> float:
        """Median microseconds of the fastest interpreter on the device; infinite if none was measured."""
        return min((latency.p50_us for latency in self.on_device), default=math.inf)

    @property
    def targets(self) -> tuple[str, ...]:
        """Devices that can load the file, as keys of `TARGETS`; those with an NPU only if compiled for it."""
        compiled = self.report.npu.accelerator if self.report.npu else None
        return tuple(
            name
            for name, row in TARGETS.items()
            if row.npu in (None, compiled) and set(row.interpreters) & set(self.report.loads_on)
        )

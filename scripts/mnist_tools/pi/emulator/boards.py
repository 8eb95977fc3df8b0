"""Processors of Raspberry Pis, as programs see them in ``/proc/cpuinfo`` and ``/sys``: the table `BOARDS`."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

__all__ = ["BOARDS", "Board"]

CORES = 4


@dataclass(frozen=True)
class Board:
    """One Raspberry Pi, as a row of `BOARDS`.

    Parameters
    ----------
    model, revision : str
        Model and revision, as reported by the firmware.
    architecture : str
        Debian's name of the architecture of its systems.
    generation, part, variant : int
        Version of the ARM architecture, and ARM's numbers of the core.
    features : str
        Linux's names of the instruction set extensions.
    """

    model: str
    revision: str
    architecture: str
    generation: int
    part: int
    variant: int
    features: str

    @property
    def cpuinfo(self) -> str:
        """Content of ``/proc/cpuinfo``."""
        cores = (
            f"processor\t: {core}\nBogoMIPS\t: 108.00\nFeatures\t: {self.features}\nCPU implementer\t: 0x41\n"
            f"CPU architecture: {self.generation}\nCPU variant\t: {self.variant:#x}\nCPU part\t: {self.part:#x}\n"
            "CPU revision\t: 3\n\n"
            for core in range(CORES)
        )
        return f"{''.join(cores)}Revision\t: {self.revision}\nSerial\t\t: 1000000000000000\nModel\t\t: {self.model}\n"

    def write(self, folder: Path) -> None:
        """Write ``cpuinfo`` and ``sys`` into `folder`.

        XNNPACK and onnxruntime choose their kernels with the library cpuinfo. It crashes if ``/sys`` and
        ``/proc/cpuinfo`` describe different processors, and fails without ``/sys``.
        """
        cpus = folder / "sys" / "devices" / "system" / "cpu"
        for core in range(CORES):
            (cpus / f"cpu{core}").mkdir(parents=True)
        for name in ("possible", "present", "online"):
            (cpus / name).write_text(f"0-{CORES - 1}\n")
        (cpus / "kernel_max").write_text(f"{CORES - 1}\n")
        (folder / "cpuinfo").write_text(self.cpuinfo)


ARMV7 = "half thumb fastmult vfp edsp neon vfpv3 tls vfpv4 idiva idivt vfpd32 lpae evtstrm"
ARMV8 = "fp asimd evtstrm crc32 cpuid"
ARMV8_2 = f"{ARMV8} aes pmull sha1 sha2 atomics fphp asimdhp asimdrdm lrcpc dcpop asimddp"

BOARDS: dict[str, Board] = {
    "cortex-a72": Board("Raspberry Pi 4 Model B Rev 1.5", "c03115", "arm64", 8, 0xD08, 0, ARMV8),
    "cortex-a53": Board("Raspberry Pi 3 Model B Rev 1.2", "a02082", "arm64", 8, 0xD03, 0, ARMV8),
    "cortex-a76": Board("Raspberry Pi 5 Model B Rev 1.0", "c04170", "arm64", 8, 0xD0B, 4, ARMV8_2),
    "cortex-a7": Board("Raspberry Pi 2 Model B Rev 1.1", "a01041", "armhf", 7, 0xC07, 0, ARMV7),
}
"""qemu's name of the processor -> board. The first of each architecture is the default."""

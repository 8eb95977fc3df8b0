"""`TARGETS`: the devices that an export can be checked for."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from mnist_exporters.errors import ConversionError, UsageError
from mnist_exporters.formats.contents import Contents
from mnist_exporters.spec.export_spec import ExportSpec
from mnist_exporters.spec.precision import Precision
from mnist_exporters.targets.interpreters import INTERPRETERS
from mnist_runtime import BACKENDS

if TYPE_CHECKING:
    from mnist_exporters.targets.ethos_u import NpuMemory

__all__ = ["TARGETS", "Target"]


@dataclass(frozen=True)
class Target:
    """One row of `TARGETS`.

    Parameters
    ----------
    summary : str
        Description of the device.
    interpreters : tuple of str
        Keys of `INTERPRETERS` that can be installed on the device. At least one of them must be able to load a file.
    npu : str, optional
        Arm Ethos-U NPU that must run the whole model, such as ``"ethos-u55-128"``. Default: the device has none.
    """

    summary: str
    interpreters: tuple[str, ...]
    npu: str | None = None

    def check_spec(self, spec: ExportSpec) -> None:
        """Check before a conversion that files of this format and precision can run on the device.

        Raises
        ------
        UsageError
            If no interpreter for the format can be installed there, or the NPU does not support this precision.
        MissingPackageError
            If the compiler for the NPU is not installed.
        """
        possible = {format for name in self.interpreters for format in INTERPRETERS[name].formats}
        if spec.format not in possible:
            raise UsageError(
                f"No interpreter for {spec.format} files can be installed on {self.summary}. Choose one of these "
                f"formats: {', '.join(sorted(possible))}."
            )
        if self.npu is None:
            return
        if spec.precision is not Precision.INT8:
            raise UsageError(f"The NPU of {self.summary} runs int8 files only, not {spec.precision}. Choose int8.")
        from mnist_exporters.targets.ethos_u import check_compiler  # slow to import

        check_compiler(f"A file for {self.summary}")

    def npu_memory(self, model: bytes) -> NpuMemory | None:
        """Return the memory that a model needs on the NPU; None for a device without one.

        Raises
        ------
        ConversionError
            If the NPU cannot run the whole model.
        """
        if self.npu is None:
            return None
        from mnist_exporters.targets.ethos_u import compile_for_npu  # slow to import

        return compile_for_npu(model, self.npu)

    def check_contents(self, contents: Contents) -> None:
        """Check that at least one interpreter on the device can load a model.

        Raises
        ------
        ConversionError
            If none can load it. The message has a reason for each interpreter.
        """
        reasons = [INTERPRETERS[name].unsupported_reason(contents) for name in self.interpreters]
        if all(reasons):
            raise ConversionError(
                f"The model does not load on {self.summary}: {'; '.join(filter(None, reasons))}. Choose another "
                "precision or format."
            )


def _installable(machine: str) -> tuple[str, ...]:
    """Return the interpreters for an architecture: the backends that can be installed there, and C code.

    A backend can be installed with pip on Raspberry Pi OS 12, which has Python 3.11, or from the packages of Debian 13.
    """
    backends = (
        name
        for name, row in BACKENDS.items()
        if row.no_wheel_reason(machine=machine, python=(3, 11), is_64_bit=machine == "aarch64") is None
        or machine in row.debian_machines
    )
    return (*backends, "c")


TARGETS: dict[str, Target] = {
    "pi-zero": Target("a Raspberry Pi Zero or 1 (ARMv6)", _installable("armv6l")),
    "pi-3-32": Target("a Raspberry Pi 3 with a 32-bit system (ARMv7)", _installable("armv7l")),
    "pi-3": Target("a Raspberry Pi 3 with a 64-bit system", _installable("aarch64")),
    "pi-4": Target("a Raspberry Pi 4 with a 64-bit system", _installable("aarch64")),
    "pi-5": Target("a Raspberry Pi 5", _installable("aarch64")),
    "mcu": Target("a microcontroller", ("tflite-micro", "c")),
    "ethos-u55": Target("a microcontroller with an Arm Ethos-U55", ("tflite-micro",), npu="ethos-u55-128"),
}
"""Name -> device. A new one is a row here."""

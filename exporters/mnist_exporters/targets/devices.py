"""`TARGETS`: the devices that an export can be checked for."""

from __future__ import annotations

from dataclasses import dataclass

from mnist_exporters.errors import ConversionError, UsageError
from mnist_exporters.formats.contents import Contents
from mnist_exporters.spec.export_spec import ExportSpec
from mnist_exporters.targets.interpreters import INTERPRETERS
from mnist_runtime import BACKENDS

__all__ = ["TARGETS", "Target"]


@dataclass(frozen=True)
class Target:
    """One row of `TARGETS`.

    Parameters
    ----------
    summary : str
        Description of the device.
    interpreters : tuple of str
        Keys of `INTERPRETERS` that can be installed there. A file must load in at least one of them.
    """

    summary: str
    interpreters: tuple[str, ...]

    def check_spec(self, spec: ExportSpec) -> None:
        """Check, before any work, that files of this format can run there.

        Raises
        ------
        UsageError
            If no interpreter for the format can be installed there.
        """
        possible = {format for name in self.interpreters for format in INTERPRETERS[name].formats}
        if spec.format not in possible:
            raise UsageError(
                f"No interpreter for {spec.format} files can be installed on {self.summary}. Choose one of these "
                f"formats: {', '.join(sorted(possible))}."
            )

    def check_contents(self, contents: Contents) -> None:
        """Check that at least one interpreter there can load a model.

        Raises
        ------
        ConversionError
            If none can load it, with a reason for each.
        """
        reasons = [INTERPRETERS[name].unsupported_reason(contents) for name in self.interpreters]
        if all(reasons):
            raise ConversionError(
                f"The model does not load on {self.summary}: {'; '.join(filter(None, reasons))}. Choose another "
                "precision or format."
            )


def _with_wheels(machine: str) -> tuple[str, ...]:
    """Return the backends that pip can install on `machine` with Raspberry Pi OS 12, which has Python 3.11."""
    return tuple(
        name
        for name, row in BACKENDS.items()
        if row.no_wheel_reason(machine=machine, python=(3, 11), is_64_bit=machine == "aarch64") is None
    )


TARGETS: dict[str, Target] = {
    "pi-zero": Target("a Raspberry Pi Zero or 1 (ARMv6)", _with_wheels("armv6l")),
    "pi-3-32": Target("a Raspberry Pi 3 with a 32-bit system (ARMv7)", _with_wheels("armv7l")),
    "pi-3": Target("a Raspberry Pi 3 with a 64-bit system", _with_wheels("aarch64")),
    "pi-4": Target("a Raspberry Pi 4 with a 64-bit system", _with_wheels("aarch64")),
    "pi-5": Target("a Raspberry Pi 5", _with_wheels("aarch64")),
    "mcu": Target("a microcontroller", ("tflite-micro",)),
}
"""Name -> device. A new one is a row here."""

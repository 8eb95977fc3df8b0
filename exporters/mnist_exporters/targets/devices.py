"""`Target`: a device by name, and which interpreters there are for it."""

from __future__ import annotations

from dataclasses import dataclass

from mnist_exporters.errors import ConversionError, UsageError
from mnist_exporters.formats.contents import Contents
from mnist_exporters.spec.export_spec import ExportSpec
from mnist_exporters.targets.interpreters import INTERPRETERS

__all__ = ["TARGETS", "Target"]


@dataclass(frozen=True)
class Target:
    """One row of `TARGETS`.

    Parameters
    ----------
    summary : str
        The device in words.
    interpreters : tuple of str
        Rows of `INTERPRETERS` that can be installed there; one that loads the file suffices.
    """

    summary: str
    interpreters: tuple[str, ...]

    def refuse_spec(self, spec: ExportSpec) -> None:
        """Make sure, before any work, that files of this format can run there at all.

        Raises
        ------
        UsageError
            If there is no interpreter for them.
        """
        able = {format for name in self.interpreters for format in INTERPRETERS[name].formats}
        if spec.format not in able:
            raise UsageError(
                f"Expected a format for {self.summary} ({', '.join(sorted(able))}), received {spec.format}: no "
                "interpreter for such files can be installed there."
            )

    def refuse(self, contents: Contents) -> None:
        """Make sure that at least one interpreter there loads a model of such `contents`.

        Raises
        ------
        ConversionError
            If none does; it says why for each.
        """
        obstacles = [INTERPRETERS[name].unsupported_reason(contents) for name in self.interpreters]
        if all(obstacles):
            raise ConversionError(
                f"Expected a file that loads on {self.summary}: {'; '.join(filter(None, obstacles))}. Choose another "
                "precision or format."
            )


SIXTY_FOUR = ("litert", "tflite-runtime", "onnxruntime", "numpy")

TARGETS: dict[str, Target] = {
    "pi-zero": Target("a Raspberry Pi Zero or 1 (ARMv6)", ("numpy",)),
    "pi-3-32": Target("a Raspberry Pi 3 under a 32-bit system (ARMv7)", ("tflite-runtime", "numpy")),
    "pi-3": Target("a Raspberry Pi 3 under a 64-bit system", SIXTY_FOUR),
    "pi-4": Target("a Raspberry Pi 4 under a 64-bit system", SIXTY_FOUR),
    "pi-5": Target("a Raspberry Pi 5", SIXTY_FOUR),
    "mcu": Target("a microcontroller", ("tflite-micro",)),
}
"""Name -> device, by the wheels that the interpreters have."""

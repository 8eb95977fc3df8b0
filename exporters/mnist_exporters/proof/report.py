"""`ExportReport`: the result of one export, as text and as JSON."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from mnist_exporters.errors import missing_packages
from mnist_exporters.proof.parity import Parity
from mnist_exporters.proof.repair import Repair
from mnist_exporters.spec.format import FORMATS
from mnist_exporters.spec.package_kind import PackageFolder
from mnist_exporters.spec.processor_memory import ProcessorMemory
from mnist_exporters.targets.interpreters import INTERPRETERS
from mnist_runtime.errors import ToolkitError, counted

if TYPE_CHECKING:
    from mnist_exporters.targets.ethos_u import NpuMemory

__all__ = ["ExportReport", "RefusedError"]

NEW_LINE = "\n" + 13 * " "
"""Line break with the indentation of the column of values."""


@dataclass(frozen=True)
class ExportReport:
    """The file, its accuracy compared with the original, and the time that the export took.

    Parameters
    ----------
    path : Path or None
        The file; None if the export was refused, so that no file was written.
    format, precision : str
        Format and precision of the file.
    size_bytes : int
        Size of the whole file, with manifest and golden vectors.
    model_bytes : int
        Size of the model alone.
    sha256 : str
        SHA-256 of the whole file.
    input_dtype, output_dtype : str
        NumPy type names of input and output.
    pixel_range : str
        Pixel range that the original was trained on.
    loads_on : tuple of str
        Keys of `INTERPRETERS` that can load the file, according to the operator versions in it.
    requires : dict
        What an interpreter must support; see `Contents.requirements`.
    parity : Parity
        The comparison with the original.
    seconds, seconds_converting : float
        Wall time of the whole export, and of the conversion alone.
    scores : ndarray of shape (n, k), dtype float32
        Scores of the export for each test image; not part of the JSON.
    left_out : int
        Number of training images that were not used for calibration because they are also test images.
    repair : Repair or None
        The repair with which the export passed; None if it passed without one.
    advice : str
        For a refused export: which repairs failed too, and which precision passes. Empty if no repair was tried.
    npu : NpuMemory or None
        Memory that the model needs on the target's NPU; None for a target without one.
    processors : tuple of ProcessorMemory
        Flash and RAM of the C code on microcontrollers; empty for other formats, and if no compiler is installed.
    package : PackageFolder or None
        The package that contains the file; None for a file alone.
    """

    path: Path | None
    format: str
    precision: str
    size_bytes: int
    model_bytes: int
    sha256: str
    input_dtype: str
    output_dtype: str
    pixel_range: str
    loads_on: tuple[str, ...]
    requires: dict[str, Any]
    parity: Parity
    seconds: float
    seconds_converting: float
    scores: npt.NDArray[np.float32] = dataclasses.field(repr=False, compare=False)
    left_out: int = 0
    repair: Repair | None = None
    advice: str = ""
    npu: NpuMemory | None = None
    processors: tuple[ProcessorMemory, ...] = ()
    package: PackageFolder | None = None

    def as_dict(self) -> dict[str, Any]:
        """Return values for JSON."""
        facts = {field.name: getattr(self, field.name) for field in dataclasses.fields(self) if field.name != "scores"}
        facts |= {"path": str(self.path) if self.path else None, "parity": self.parity.as_dict()}
        facts |= {"processors": [dataclasses.asdict(each) for each in self.processors]}
        for name in ("repair", "package"):
            facts[name] = facts[name].as_dict() if facts[name] else None
        return facts | {"npu": dataclasses.asdict(self.npu) if self.npu else None}

    def _interpreters(self) -> str:
        names = ", ".join(INTERPRETERS[name].since for name in self.loads_on)
        return names or f"{FORMATS[self.format].packages[-1]} as installed here; older ones lack operators"

    def _memory(self) -> str:
        arena = self.requires.get("arena_bytes")
        memory = f"  memory     arena of {arena:,} bytes\n" if arena else ""
        memory += f"  NPU        {self.npu}\n" if self.npu else ""
        if self.format != "c" or not self.path:
            return memory
        if not self.processors:
            reason = missing_packages("Measuring it", {"ziglang": FORMATS["c"].extra})
            return f"{memory}  memory     {str(reason).replace(': ', f':{NEW_LINE}')}\n"
        rows = NEW_LINE.join(map(str, self.processors))
        return f"{memory}  memory     {rows}\n"

    def _shared(self) -> str:
        also = "that is also a test image" if self.left_out == 1 else "that are also test images"
        return f"  left out   {counted(self.left_out, 'training image')} {also}\n" if self.left_out else ""

    def _repaired(self) -> str:
        return f"  repaired   {self.repair}\n  refused    {self.repair.refused}\n" if self.repair else ""

    def __str__(self) -> str:
        return (
            f"{self.format} {self.precision}: {self.parity}\n"
            f"  size       {self.size_bytes:,} bytes (model {self.model_bytes:,})\n"
            f"  types      {self.input_dtype} in, {self.output_dtype} out\n"
            f"  loads on   {self._interpreters()}\n"
            f"{self._memory()}{self._shared()}{self._repaired()}"
            f"  time       {self.seconds:.1f} s"
        )


class RefusedError(ToolkitError):
    """Raised when an export or its original fails the accuracy check. No file is written.

    Parameters
    ----------
    refused : ExportReport or str
        The report of the refused export; the message if nothing was exported.
    destination : Path, optional
        Path at which the file would be written. If a file is there, the message says that it is an older one.

    Attributes
    ----------
    report : ExportReport or None
        Results of the refused export; ``report.parity.reasons`` lists why it failed. None if the original was refused
        before any export, because it is less accurate than expected.
    """

    exit_code = 3
    page = "how-to/refusal.md"

    def __init__(self, refused: ExportReport | str, destination: Path | None = None) -> None:
        self.report = None if isinstance(refused, str) else refused
        if isinstance(refused, str):
            super().__init__(refused)
            return
        is_older = destination is not None and destination.exists()
        older = f"The file {destination} is from an earlier export." if is_older else ""
        sentences = (*refused.parity.reasons, refused.advice, older)
        super().__init__(
            f"{refused.format} {refused.precision} is refused and not written. {' '.join(filter(None, sentences))}"
        )

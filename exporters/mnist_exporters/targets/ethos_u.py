"""`compile_for_npu`: measure what a model needs on an Arm Ethos-U, with Arm's compiler Vela."""

from __future__ import annotations

import csv
import importlib.util
import re
import signal
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path

from mnist_exporters.errors import ConversionError, missing_packages
from mnist_exporters.formats.tflite.read import read
from mnist_runtime import ArtifactError

__all__ = ["NpuMemory", "check_compiler", "compile_for_npu"]

PACKAGE, EXTRA = "ethos-u-vela", "ethos"

SYSTEM = ("--config", "Arm/vela.ini", "--system-config", "Ethos_U55_High_End_Embedded", "--memory-mode", "Shared_Sram")
"""Options of Vela: Arm's description of a board with the weights in flash, and everything else in shared SRAM."""

OPERATOR = "ethos-u"
"""Name of the custom operator into which Vela merges all operators that the NPU runs."""

REASON = re.compile(r"operator: (\w+), ofm: .*\nReason: (.*)")
TIME_LIMIT = 300
"""Seconds after which Vela is stopped."""


@dataclass(frozen=True)
class NpuMemory:
    """Memory of a model that was compiled for an NPU.

    Parameters
    ----------
    accelerator : str
        Vela's name of the NPU and its multiply-accumulate units, such as ``"ethos-u55-128"``.
    sram_bytes : int
        Bytes of working memory for the activations.
    flash_bytes : int
        Bytes of the encoded weights and commands.
    compiler : str
        Name and version of the compiler.
    """

    accelerator: str
    sram_bytes: int
    flash_bytes: int
    compiler: str

    def __str__(self) -> str:
        return f"{self.accelerator}: SRAM {self.sram_bytes:,} bytes, flash {self.flash_bytes:,} bytes ({self.compiler})"


def check_compiler(purpose: str) -> None:
    """Check that Vela is installed.

    Raises
    ------
    MissingPackageError
        If Vela is not installed. The message begins with `purpose`.
    """
    if importlib.util.find_spec("ethosu") is None:
        raise missing_packages(purpose, {PACKAGE: EXTRA})


def compile_for_npu(model: bytes, accelerator: str) -> NpuMemory:
    """Compile `model` and return the memory that it needs. Vela runs in a separate process, because it can crash.

    Parameters
    ----------
    model : bytes
        A ``.tflite`` model, int8.
    accelerator : str
        See `NpuMemory`.

    Raises
    ------
    ConversionError
        If an operator would stay on the processor, or Vela cannot compile the model.
    """
    with tempfile.TemporaryDirectory() as folder:
        source = Path(folder) / "model.tflite"
        source.write_bytes(model)
        # -P: do not import modules from the current folder.
        command = [sys.executable, "-P", "-m", "ethosu.vela", str(source), "--output-dir", folder]
        command += ["--accelerator-config", accelerator, "--show-cpu-operations", *SYSTEM]
        try:
            done = subprocess.run(command, capture_output=True, text=True, timeout=TIME_LIMIT, check=False)
        except subprocess.TimeoutExpired:
            raise ConversionError(f"Vela did not finish within {TIME_LIMIT} seconds. Choose a smaller model.") from None
        try:
            not_on_npu = set(read((Path(folder) / "model_vela.tflite").read_bytes()).operators) - {OPERATOR}
            (table,) = Path(folder).glob("*_summary_*.csv")
            (row,) = csv.DictReader(table.read_text("utf-8").splitlines())
            sram, *flash = (
                round(float(row[f"{kind}_memory_used"]) * 1024) for kind in ("sram", "on_chip_flash", "off_chip_flash")
            )
        except (ArtifactError, OSError, KeyError, ValueError) as error:
            raise ConversionError(
                f"Vela cannot compile the model for {accelerator} ({_failure(done)}). Choose another precision or "
                "replace the layer that it names."
            ) from error
    if not_on_npu:
        reasons = dict(REASON.findall(done.stdout))
        names = sorted(not_on_npu)
        named = "; ".join(f"{name} ({reasons[name].rstrip('.')})" if name in reasons else name for name in names)
        raise ConversionError(
            f"On {accelerator}, the processor and not the NPU would compute {named}. Choose int8 with integer input "
            "and output, or replace the layer that needs these operators."
        )
    return NpuMemory(accelerator, sram, sum(flash), f"{PACKAGE} {metadata.version(PACKAGE)}")


def _failure(done: subprocess.CompletedProcess[str]) -> str:
    """Return words for a message that say why Vela failed."""
    if done.returncode < 0:
        return f"it crashed with {signal.Signals(-done.returncode).name}"
    lines = [line.strip() for line in (done.stdout + "\n" + done.stderr).splitlines() if line.strip()]
    return next(reversed(lines), "no message").rstrip(".")

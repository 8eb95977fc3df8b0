"""`NativeProgram`: a C export that is compiled for this machine and runs in a separate process."""

from __future__ import annotations

import shutil
import subprocess
import tempfile
import weakref
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from mnist_exporters.errors import ConversionError
from mnist_exporters.formats.c.compiler import Compiler
from mnist_exporters.formats.c.writing.kernel_files import host_program
from mnist_exporters.formats.c_pair import identifier
from mnist_runtime import QuantParams
from mnist_runtime.errors import MachineError, raise_machine_failure

__all__ = ["SECONDS", "SECONDS_PER_IMAGE", "CFiles", "NativeProgram", "answer_type", "scores_of_answers"]

SECONDS, SECONDS_PER_IMAGE = 60.0, 1.0
"""Time limit of a call: a fixed part, plus a part for each image. One image takes milliseconds."""


class CFiles(NamedTuple):
    """Text of the header and of the source file, and their common name without suffix."""

    header: str
    source: str
    stem: str


class NativeProgram:
    """A `mnist_runtime.Backend` that compiles a C export and runs it in a separate process.

    Parameters
    ----------
    files : CFiles
        Header and source.
    output : QuantParams
        Quantization of the scores.
    labels : int
        Number of scores.
    compiler : Compiler
        Builds the program.
    *flags : str
        Further arguments of the compiler.

    Raises
    ------
    ConversionError
        If the code cannot be compiled.
    """

    def __init__(self, files: CFiles, output: QuantParams, labels: int, compiler: Compiler, *flags: str) -> None:
        self.output = output
        self._answer = answer_type(output, labels)
        folder = Path(tempfile.mkdtemp(prefix="mnist-export-c-"))
        weakref.finalize(self, shutil.rmtree, folder, ignore_errors=True)
        stem, name = files.stem, identifier(files.stem)
        main = host_program().replace("@STEM@", stem).replace("@NAME@", name).replace("@UPPER@", name.upper())
        for path, text in ((f"{stem}.h", files.header), (f"{stem}.c", files.source), ("main.c", main)):
            (folder / path).write_text(text, "utf-8")
        self._program = folder / "program"
        compiler.build((folder / f"{stem}.c", folder / "main.c"), self._program, "-I", str(folder), *flags)

    def run(self, pixels: npt.NDArray[Any]) -> npt.NDArray[Any]:
        """See `mnist_runtime.Backend.run`.

        Raises
        ------
        ConversionError
            If the program crashes or hangs, or its answer is not the class with the highest score.
        MachineError
            If the system cannot start the program.
        """
        done = self._call(pixels.tobytes(), SECONDS + SECONDS_PER_IMAGE * len(pixels))
        if done.returncode != 0 or len(done.stdout) != len(pixels) * self._answer.itemsize:
            raise _broken(f"ended with exit code {done.returncode} and {len(done.stdout)} bytes", done.stderr)
        return scores_of_answers(np.frombuffer(done.stdout, self._answer), "The compiled C code")

    def self_test(self) -> None:
        """Run the self-test.

        Raises
        ------
        ConversionError
            If the self-test fails.
        MachineError
            If the system cannot start the program.
        """
        done = self._call(b"", SECONDS, "self-test")
        if done.returncode != 0:
            raise _broken(f"failed its self-test with {done.returncode}", done.stderr)

    def _call(self, content: bytes, seconds: float, *arguments: str) -> subprocess.CompletedProcess[bytes]:
        words = [str(self._program), *arguments]
        try:
            return subprocess.run(words, input=content, capture_output=True, timeout=seconds, check=False)
        except subprocess.TimeoutExpired as error:
            raise _broken(f"ran longer than {seconds:.0f} seconds", b"") from error
        except OSError as error:
            raise_machine_failure(error)
            raise MachineError(
                f"The compiled test program cannot be run from {self._program.parent}: {error.strerror}. Set TMPDIR to "
                "a folder on a file system that allows programs."
            ) from error


def answer_type(output: QuantParams, labels: int) -> np.dtype[Any]:
    """Return the dtype of a program's output for one image: the number of the class, and the integer scores."""
    return np.dtype([("answer", "<i4"), ("scores", output.dtype, (labels,))])


def scores_of_answers(answers: npt.NDArray[Any], program: str) -> npt.NDArray[Any]:
    """Return the integer scores (n, labels) from a program's output. `program` is its name in messages.

    Raises
    ------
    ConversionError
        If an answer is not the class with the highest score.
    """
    scores: npt.NDArray[Any] = answers["scores"].copy()
    if not np.array_equal(answers["answer"], scores.argmax(axis=1)):
        raise ConversionError(
            f"{program} gave another class than the one with the greatest score. Please report this as a bug."
        )
    return scores


def _broken(what: str, stderr: bytes) -> ConversionError:
    lines = stderr.decode(errors="replace").strip().splitlines()
    reason = f" ({lines[0]})" if lines else ""
    return ConversionError(f"The compiled C code {what}{reason}. Please report this as a bug.")

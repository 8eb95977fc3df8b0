"""`WasmProgram`: run a WebAssembly module with wasmtime in a separate process."""

from __future__ import annotations

import shutil
import subprocess
import sys
import tempfile
import threading
import weakref
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from mnist_exporters.errors import ConversionError
from mnist_exporters.formats.c.native import SECONDS, SECONDS_PER_IMAGE, answer_type, scores_of_answers
from mnist_exporters.formats.web.module import WasmModule

__all__ = ["WasmProgram"]


class WasmProgram:
    """A `mnist_runtime.Backend` that runs a WebAssembly module in a separate process.

    The process starts with the first call, and is stopped after a time limit. wasmtime has a time limit of its own, but
    with it an image takes twice as long.

    Parameters
    ----------
    module : WasmModule
        The module.
    """

    def __init__(self, module: WasmModule) -> None:
        self.output = module.output
        self._answer = answer_type(self.output, len(module.manifest.labels))
        self._pixels = module.manifest.task.pixels
        self._folder = Path(tempfile.mkdtemp(prefix="mnist-export-web-"))
        weakref.finalize(self, shutil.rmtree, self._folder, ignore_errors=True)
        (self._folder / "model.wasm").write_bytes(module.content)
        self._process: subprocess.Popen[bytes] | None = None
        self._lock = threading.Lock()

    def run(self, pixels: npt.NDArray[Any]) -> npt.NDArray[Any]:
        """See `mnist_runtime.Backend.run`.

        Raises
        ------
        ConversionError
            If the module crashes or runs for too long, or its answer is not the class with the highest score.
        """
        reply = self._call(len(pixels), pixels.tobytes(), len(pixels) * self._answer.itemsize)
        return scores_of_answers(np.frombuffer(reply, self._answer), "The WebAssembly module")

    def self_test(self) -> None:
        """Run the self-test.

        Raises
        ------
        ConversionError
            If the self-test fails.
        """
        wrong = int.from_bytes(self._call(0, b"", 4), "little", signed=True)
        if wrong != 0:
            raise _broken(f"failed its self-test with {wrong}")

    def _call(self, count: int, content: bytes, expected: int) -> bytes:
        """Send a request, and return the answer of `expected` bytes."""
        with self._lock:
            process = self._process = self._process or self._start()
            assert process.stdin is not None
            assert process.stdout is not None
            seconds = SECONDS + SECONDS_PER_IMAGE * count
            timer = threading.Timer(seconds, process.kill)
            timer.start()
            try:
                process.stdin.write(count.to_bytes(4, "little") + content)
                process.stdin.flush()
                reply = process.stdout.read(expected)
            except BrokenPipeError:
                reply = b""
            finally:
                timer.cancel()
            if len(reply) != expected:
                self._process = None
                code = process.wait()
                lines = (self._folder / "errors").read_text("utf-8", "replace").strip().splitlines()
                reason = lines[-1] if lines else f"it ended with exit code {code} within {seconds:.0f} seconds"
                raise _broken(f"stopped ({reason})")
            return reply

    def _start(self) -> subprocess.Popen[bytes]:
        answer = self._answer.itemsize - 4
        words = [sys.executable, "-m", "mnist_exporters.formats.web._probe", str(self._folder / "model.wasm")]
        with (self._folder / "errors").open("wb") as errors:
            process = subprocess.Popen(
                [*words, str(self._pixels), str(answer)],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=errors,
            )
        weakref.finalize(self, _end, process)
        return process


def _end(process: subprocess.Popen[bytes]) -> None:
    process.kill()
    process.communicate()


def _broken(what: str) -> ConversionError:
    return ConversionError(f"The WebAssembly module {what}. Please report this as a bug.")

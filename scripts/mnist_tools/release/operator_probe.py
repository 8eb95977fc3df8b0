"""Measure which operators one interpreter supports, in an environment where only that interpreter is installed.

``python -m mnist_tools.release.operator_probe PACKAGE MODULE FOLDER`` loads the models that
`interpreters.write_models` wrote into the folder, and prints the result as JSON.
"""

from __future__ import annotations

import importlib
import json
import os
import sys
import tempfile
from collections.abc import Callable
from importlib import metadata
from pathlib import Path
from typing import Any

__all__ = ["main"]

UNSUPPORTED = ("Didn't find op", "out of range")
"""Parts of the messages of TFLite's interpreters about an unknown operator or version."""


def operators(module: str, folder: Path) -> dict[str, int]:
    """Return the operators that a TFLite interpreter supports, each with its highest version."""
    load = _loader(module)
    supported: dict[str, int] = {}
    for path in sorted(folder.glob("*.tflite")):
        operator, version = path.stem.rsplit("-", 1)
        message = _message(load, path.read_bytes())
        if not any(part in message for part in UNSUPPORTED):
            supported[operator] = max(supported.get(operator, 0), int(version))
    return supported


def _loader(module: str) -> Callable[[bytes], object]:
    """Return a function that loads a model into a TFLite interpreter."""
    if module == "tflite_micro":
        from tflite_micro.python.tflite_micro import runtime

        return lambda content: runtime.Interpreter.from_bytes(content, arena_size=100_000)
    interpreter = importlib.import_module(f"{module}.interpreter").Interpreter
    return lambda content: interpreter(model_content=content)


def _message(load: Callable[[bytes], object], content: bytes) -> str:
    """Load a model in a child process, because some models crash it, and return all error messages."""
    with tempfile.TemporaryFile() as messages:
        child = os.fork()
        if child == 0:
            os.dup2(messages.fileno(), 2)
            try:
                load(content)
            except Exception as error:
                os.write(2, str(error).encode())
            os._exit(0)
        os.waitpid(child, 0)
        messages.seek(0)
        return messages.read().decode(errors="replace")


def limits(folder: Path) -> dict[str, int]:
    """Return the highest opset and the highest IR version that onnxruntime loads."""
    import onnxruntime

    highest = {"opset": 0, "ir_version": 0}
    for path in folder.glob("*.onnx"):
        opset, ir_version = map(int, path.stem.split("-"))
        try:
            onnxruntime.InferenceSession(path.read_bytes(), providers=["CPUExecutionProvider"])
        except Exception:  # whatever it raises: it does not load the model
            continue
        if ir_version == 7:
            highest["opset"] = max(highest["opset"], opset)
        if opset == 13:
            highest["ir_version"] = max(highest["ir_version"], ir_version)
    return highest


def main(package: str, module: str, folder: Path) -> None:
    """Print the package, its version and what it supports."""
    facts: dict[str, Any] = limits(folder) if module == "onnxruntime" else {"operators": operators(module, folder)}
    print(json.dumps({"package": package, "version": metadata.version(package), **facts}))


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], Path(sys.argv[3]))

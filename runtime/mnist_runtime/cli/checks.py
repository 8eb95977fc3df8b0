"""``mnist-runtime self-test``, ``verify`` and ``doctor``: check a file, who signed it, and this device."""

from __future__ import annotations

import argparse
import dataclasses
import json
import platform
import sys
import textwrap
from pathlib import Path
from typing import Any

import numpy as np

from mnist_runtime.artifact.container import Artifact, file_bytes
from mnist_runtime.artifact.signature import check_signature
from mnist_runtime.backends.registry import BACKENDS
from mnist_runtime.device.self_test import Diagnosis, examine, self_test
from mnist_runtime.errors import ArtifactError, BackendError, ToolkitError, printable
from mnist_runtime.system.command import report_error
from mnist_runtime.system.terminal import Progress

__all__ = ["doctor_command", "self_test_command", "verify_command"]

MODELS = (".tflite", ".onnx")
"""Files with a manifest that the runtime reads."""


def self_test_command(arguments: argparse.Namespace) -> int:
    """Run the golden vectors of a model and print the result."""
    found = self_test(arguments.model, backend=arguments.backend, trusted=arguments.trusted)
    if arguments.json:
        json.dump({**dataclasses.asdict(found), "passed": found.passed}, sys.stdout, indent=2)
        print()
    else:
        print(
            f"{'passed' if found.passed else 'FAILED'}: {found.images - found.different} of {found.images} answers as "
            f"recorded, scores within {found.max_score_error:.2g} (bound {found.bound:.2g})\n"
            f"recorded with {found.recorded_with}, run with {found.run_with}"
        )
    if found.passed:
        return 0
    raise ArtifactError(
        f"The answers of {arguments.model or 'the ready model'} differ from the recorded ones. "
        "Update the interpreter, or try another --backend."
    )


def verify_command(arguments: argparse.Namespace) -> int:
    """Check each file. Report those that fail, and return the exit code of the first one."""
    results: list[dict[str, Any]] = []
    code = 0
    for file in arguments.files:
        try:
            facts = _facts(Path(file), arguments.trusted)
        except ToolkitError as error:
            failure = report_error(error)
            code = code or failure
            continue
        results.append(facts)
        if not arguments.json:
            print(printable(f"{file}: signed by {facts['signer']} ({facts['key_type']} {facts['fingerprint']})"))
    if arguments.json:
        json.dump({"results": results}, sys.stdout, indent=2)
        print()
    return code


def doctor_command(arguments: argparse.Namespace) -> int:
    """Try every backend and print the results."""
    here = {"python": platform.python_version(), "machine": platform.machine(), "numpy": np.__version__}
    found = []
    with Progress(float(len(BACKENDS))) as progress:
        for name in BACKENDS:
            with progress.step(f"trying {name}", 1.0):
                found.append(examine(name))
    if arguments.json:
        json.dump({**here, "backends": [dataclasses.asdict(one) for one in found]}, sys.stdout, indent=2)
        print()
    else:
        print(", ".join(f"{name} {value}" for name, value in here.items()))
        for one in found:
            print("\n".join(_lines(one)))
    if any(one.state == "works" for one in found):
        return 0
    raise BackendError("No interpreter works here. See the lines above.")


def _lines(one: Diagnosis) -> list[str]:
    """Return a diagnosis in at most 80 columns; a command to copy stays whole."""
    start = f"{one.backend:16}{one.state:9}"
    indent = (25 if len(one.fix) <= 80 - 28 else 2) * " "
    detail = textwrap.TextWrapper(80, start, 25 * " ", break_long_words=False, break_on_hyphens=False)
    fix = textwrap.TextWrapper(80, f"{indent}-> ", f"{indent}   ", break_long_words=False, break_on_hyphens=False)
    return [*(detail.wrap(one.detail) or [start.rstrip()]), *fix.wrap(one.fix)]


def _facts(path: Path, trusted: Path) -> dict[str, Any]:
    content = file_bytes(path)
    found = check_signature(content, path, trusted)
    facts: dict[str, Any] = {"file": str(path), **dataclasses.asdict(found)}
    if path.suffix in MODELS:
        artifact = Artifact.from_bytes(content)
        facts |= {"model": artifact.manifest.name, "precision": artifact.manifest.precision, "sha256": artifact.sha256}
    return facts

"""``mnist-runtime verify``: check who signed a file, and that it is complete."""

from __future__ import annotations

import argparse
import dataclasses
import json
import sys
from pathlib import Path
from typing import Any

from mnist_runtime.artifact.container import Artifact, file_bytes
from mnist_runtime.artifact.signature import check_signature
from mnist_runtime.errors import ToolkitError, printable
from mnist_runtime.system.command import report_error

__all__ = ["verify_command"]

MODELS = (".tflite", ".onnx")
"""Files with a manifest that the runtime reads."""


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


def _facts(path: Path, trusted: Path) -> dict[str, Any]:
    content = file_bytes(path)
    found = check_signature(content, path, trusted)
    facts: dict[str, Any] = {"file": str(path), **dataclasses.asdict(found)}
    if path.suffix in MODELS:
        artifact = Artifact.from_bytes(content)
        facts |= {"model": artifact.manifest.name, "precision": artifact.manifest.precision, "sha256": artifact.sha256}
    return facts

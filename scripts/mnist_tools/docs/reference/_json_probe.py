"""Run commands with --json in one process, where TensorFlow is imported once, and write what they print.

Usage: ``python -m mnist_tools.docs.reference._json_probe FOLDER``; ``FOLDER/found.json`` gets what each command prints.
"""

from __future__ import annotations

import contextlib
import io
import json
import os
import shutil
import subprocess
import sys
from importlib.metadata import entry_points
from pathlib import Path

from mnist_tools.checkout import ROOT

__all__ = ["FILES", "RUNS"]

MODEL = "tiny-int8.tflite"
PICTURE = str(ROOT / "examples" / "seven.png")

RUNS: dict[str, str] = {
    "mnist-export": "tiny --quantize --data digits --output . --report .",
    "mnist-export verify": f"{MODEL} --against tiny --data digits",
    "mnist-export inspect": MODEL,
    "mnist-export seal": "bare.tflite --against tiny --data digits --output sealed.tflite",
    "mnist-export sign": f"{MODEL} --key maker-key",
    "mnist-train": "--architecture linear --data digits --epochs 1 --output linear.keras",
    "mnist-train sweep": "--data digits --trials 1 --epochs 1 --output sweep",
    "mnist-evaluate": f"tiny {MODEL} --data digits",
    "mnist-runtime classify": f"--top-k 2 {PICTURE}",
    "mnist-runtime read": PICTURE,
    "mnist-runtime self-test": MODEL,
    "mnist-runtime bench": f"--quick --backend numpy {MODEL}",
    "mnist-runtime doctor": "",
    "mnist-runtime verify": f"{MODEL} --trusted trusted",
}
"""Command -> arguments besides ``--json``, in the order in which they run. A test compares it with the parsers."""

FILES = ("report.json",)
"""JSON files that these commands write in addition."""


def _printed(command: str, arguments: str) -> object:
    """Return the JSON that a command prints."""
    program, *sub = command.split()
    (entry,) = entry_points(group="console_scripts", name=program)
    sys.argv = [program, *sub, *arguments.split(), "--json"]
    printed, code = io.StringIO(), None
    try:
        with contextlib.redirect_stdout(printed):
            entry.load()()
    except SystemExit as end:
        code = end.code
    if code:
        sys.exit(f"error: `{' '.join(sys.argv)}` failed with exit code {code}. See its message above.")
    return json.loads(printed.getvalue())


def main(folder: Path) -> None:
    """Run all commands in `folder`."""
    os.chdir(folder)
    _write_key(Path("maker-key"), Path("trusted"))
    found = {}
    for command, arguments in RUNS.items():
        if "bare.tflite" in arguments:
            _write_bare(Path("bare.tflite"))
        found[command] = _printed(command, arguments)
    found |= {name: json.loads(Path(name).read_text("utf-8")) for name in FILES}
    Path("found.json").write_text(json.dumps(found), "utf-8")


def _write_bare(path: Path) -> None:
    """Write a file of another tool: the float32 export's model without what mnist-export adds."""
    from tensorflow import lite

    from mnist_trainer import load_model

    path.write_bytes(lite.TFLiteConverter.from_keras_model(load_model("tiny")).convert())


def _write_key(key: Path, trusted: Path) -> None:
    """Make a key to sign with, and the list of trusted keys with it alone."""
    if shutil.which("ssh-keygen") is None:
        sys.exit("error: The page of JSON fields needs ssh-keygen. Install openssh-client, or give --quick.")
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", "maker", "-f", str(key)], check=True)
    trusted.write_text(f"maker {key.with_suffix('.pub').read_text('utf-8')}", "utf-8")


if __name__ == "__main__":
    main(Path(sys.argv[1]))

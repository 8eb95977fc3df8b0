"""``mnist-export inspect``: what is in a file, and where it loads."""

from __future__ import annotations

import argparse
import json
from collections.abc import Sequence
from pathlib import Path

from mnist_runtime.system.command import run_command

__all__ = ["inspect_main"]

EXAMPLES = """\
examples:
  mnist-export inspect exported/cnn-int8.tflite
  mnist-export inspect somebody-elses.onnx --json
"""


def inspect_main(words: Sequence[str]) -> None:
    """Run ``mnist-export inspect`` with `words` and leave the process."""
    parser = argparse.ArgumentParser(
        prog="mnist-export inspect",
        description="Print a file's manifest, tensors and operators, and which interpreters and devices can load it. "
        "The file is read, not run; one that another tool made will do.",
        epilog=EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("file", type=Path, metavar="FILE", help="a model file")
    parser.add_argument("--json", action="store_true", help="print one JSON object on stdout")
    arguments = parser.parse_args(words)
    run_command(lambda: _run(arguments))


def _run(arguments: argparse.Namespace) -> int:
    from mnist_exporters.reports.inspection import Inspection

    found = Inspection.of(arguments.file)
    print(json.dumps(found.as_dict(), indent=2) if arguments.json else found)
    return 0

"""``mnist-export verify``: the proof, repeated."""

from __future__ import annotations

import argparse
import json
from collections.abc import Sequence
from pathlib import Path

from mnist_exporters.cli.share import share
from mnist_exporters.cli.source import Source
from mnist_exporters.spec.format import format_of
from mnist_runtime.errors import ArtifactError
from mnist_runtime.system.command import echo, run_command

__all__ = ["verify_main"]

EXAMPLES = """\
examples:
  mnist-export verify exported/cnn-int8.tflite --against cnn
  mnist-export verify cnn-int8.onnx --against my-model.keras --data my-digits.npz --json

exit codes: as mnist-export; 3: not proven to be as good as that model on these images
"""


def verify_main(words: Sequence[str]) -> None:
    """Run ``mnist-export verify`` with `words` and leave the process."""
    parser = argparse.ArgumentParser(
        prog="mnist-export verify",
        description="Compare an exported file with its original, image by image, on this machine and these data.",
        epilog=EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("file", type=Path, metavar="FILE", help="an exported file")
    Source.add_options(parser, "--against", default=None)
    parser.add_argument("--max-accuracy-drop", type=share, metavar="SHARE", help="accepted (default: precision's)")
    parser.add_argument("--json", action="store_true", help="print one JSON object on stdout")
    arguments = parser.parse_args(words)
    run_command(lambda: _run(arguments))


def _run(arguments: argparse.Namespace) -> int:
    format_of(arguments.file)
    if not arguments.file.is_file():
        raise ArtifactError(f"Expected a model file at {arguments.file}, found none; check the path.")
    original, data = Source.of(arguments).load()
    from mnist_exporters.pipeline.verify import verify
    from mnist_exporters.proof.parity import Reference
    from mnist_exporters.proof.report import RefusedError

    reference = Reference.of(original, data.test)
    found = verify(arguments.file, reference, original.sha256, arguments.max_accuracy_drop)
    echo(str(found))
    if arguments.json:
        print(json.dumps(found.as_dict(), indent=2))
    return 0 if found.parity.passed else RefusedError.exit_code

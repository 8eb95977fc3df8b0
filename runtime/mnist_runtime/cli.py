"""``mnist-runtime``: classify pictures from the command line.

Nothing but the standard library is imported until a command runs.
"""

from __future__ import annotations

import argparse
import dataclasses
import json
import math
import pkgutil
import sys
import warnings
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mnist_runtime.command import report_error, run_command
from mnist_runtime.errors import ArtifactError, BackendError, ToolkitError

if TYPE_CHECKING:
    from mnist_runtime.classifier import Classifier
    from mnist_runtime.prediction import Prediction

__all__ = ["main"]

EXAMPLES = """\
examples:
  mnist-runtime classify seven.png
  mnist-runtime classify --model cnn-int8.tflite --top-k 3 *.png
  mnist-runtime classify --json photo.jpg
  mnist-runtime read page.jpg --annotate marked.png
  mnist-runtime watch --source 0
  mnist-runtime self-test cnn-int8.tflite
  mnist-runtime doctor

exit codes: 0 done, 1 bug, 2 wrong usage, 4 a package is missing, 5 bad model file or failed self-test, 6 bad images
"""


def main() -> None:
    """Run the command line of `sys.argv`."""
    arguments = _parser().parse_args()
    warnings.formatwarning = lambda message, *_, **__: f"warning: {message}\n"  # for people, not for programmers
    run_command(lambda: arguments.command(arguments))


def _parser() -> argparse.ArgumentParser:
    from mnist_runtime import BACKENDS, __version__

    parser = argparse.ArgumentParser(
        prog="mnist-runtime",
        description="Classify handwritten digits with a model exported by mnist-export, or with the ready one.",
        epilog=EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--version", action="version", version=f"%(prog)s {__version__}")
    commands = parser.add_subparsers(title="commands", required=True, metavar="COMMAND")
    classify = commands.add_parser("classify", help="say what digit each picture shows")
    classify.add_argument("files", nargs="+", metavar="FILE", help="a picture of one digit, of any size and polarity")
    classify.add_argument("--model", metavar="PATH", help="an exported file (default: the ready int8 model)")
    classify.add_argument("--backend", choices=tuple(BACKENDS), help="default: the first one installed")
    classify.add_argument("--top-k", type=_count, default=1, metavar="N", help="answers to show, 1 to 10 (default: 1)")
    classify.add_argument("--json", action="store_true", help="print one JSON object")
    classify.set_defaults(command=_classify)
    read = commands.add_parser("read", help="find the digits of each picture, row by row")
    read.add_argument("files", nargs="+", metavar="FILE", help="a picture of any number of digits that do not touch")
    read.add_argument("--annotate", type=Path, metavar="OUT.png", help="write a copy in which they are marked")
    read.add_argument("--all", action="store_true", help="also tell the signs that are no digit")
    read.add_argument("--model", metavar="PATH", help="an exported file (default: the ready int8 model)")
    read.add_argument("--backend", choices=tuple(BACKENDS), help="default: the first one installed")
    read.add_argument("--json", action="store_true", help="print one JSON object")
    read.set_defaults(command=_read)
    watch = commands.add_parser(
        "watch", help="read a camera or a video; print a line of JSON whenever it shows other digits"
    )
    watch.add_argument(
        "--source",
        required=True,
        metavar="0|FILE",
        help="a camera's number or device, a video file, or /dev/stdin for a pipe of video",
    )
    watch.add_argument(
        "--rate", type=_rate, default=5.0, metavar="N", help="frames to read a second, at most (default: 5)"
    )
    watch.add_argument(
        "--steady", type=_count, default=3, metavar="N", help="frames that must agree, 1 to 10 (default: 3)"
    )
    watch.add_argument("--model", metavar="PATH", help="an exported file (default: the ready int8 model)")
    watch.add_argument("--backend", choices=tuple(BACKENDS), help="default: the first one installed")
    watch.set_defaults(command=_watch)
    test = commands.add_parser("self-test", help="run the test vectors inside a model file on this device")
    test.add_argument("model", nargs="?", metavar="FILE", help="an exported file (default: the ready int8 model)")
    test.add_argument("--backend", choices=tuple(BACKENDS), help="default: the first one installed")
    test.add_argument("--json", action="store_true", help="print one JSON object")
    test.set_defaults(command=_self_test)
    doctor = commands.add_parser("doctor", help="try every interpreter and say what works, what not and what to do")
    doctor.add_argument("--json", action="store_true", help="print one JSON object")
    doctor.set_defaults(command=_doctor)
    return parser


def _count(text: str) -> int:
    if text.isdecimal() and 1 <= int(text) <= 10:
        return int(text)
    raise argparse.ArgumentTypeError(f"expected a number from 1 to 10, received {text!r}")


def _rate(text: str) -> float:
    try:
        rate = float(text)
    except ValueError:
        rate = math.nan
    if 0 < rate <= 1000:
        return rate
    raise argparse.ArgumentTypeError(f"expected a number above 0, at most 1000, received {text!r}")


def _classify(arguments: argparse.Namespace) -> int:
    """Classify every file; a bad one is reported, the others are still done, and its code ends the process."""
    from mnist_runtime.classifier import Classifier

    classifier = Classifier.load(arguments.model, backend=arguments.backend)
    results: list[dict[str, Any]] = []
    code = 0
    for file in arguments.files:
        try:
            found = classifier.classify(file)
        except ToolkitError as error:
            failure = report_error(error)
            code = code or failure
            continue
        results.append({"file": file, **_as_dict(found, arguments.top_k)})
        if not arguments.json:
            print(f"{file}: {in_words(found, arguments.top_k)}")
    if arguments.json:
        json.dump({**classifier_facts(classifier), "results": results}, sys.stdout, indent=2)
        print()
    return code


def _read(arguments: argparse.Namespace) -> int:
    code: int = pkgutil.resolve_name("mnist_runtime.read_command:read_command")(arguments)
    return code


def _watch(arguments: argparse.Namespace) -> int:
    code: int = pkgutil.resolve_name("mnist_runtime.watch_command:watch_command")(arguments)
    return code


def _self_test(arguments: argparse.Namespace) -> int:
    from mnist_runtime.self_test import self_test

    found = self_test(arguments.model, backend=arguments.backend)
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
        f"Expected the recorded answers from {arguments.model or 'the ready model'}, this interpreter gave others; "
        "try another with --backend, or update it."
    )


def _doctor(arguments: argparse.Namespace) -> int:
    import platform

    import numpy as np

    from mnist_runtime import BACKENDS
    from mnist_runtime.doctor import examine

    here = {"python": platform.python_version(), "machine": platform.machine(), "numpy": np.__version__}
    found = [examine(name) for name in BACKENDS]
    if arguments.json:
        json.dump({**here, "backends": [dataclasses.asdict(one) for one in found]}, sys.stdout, indent=2)
        print()
    else:
        print(", ".join(f"{name} {value}" for name, value in here.items()))
        for one in found:
            print(f"{one.backend:16}{one.state:9}{one.detail}{f' -> {one.cure}' if one.cure else ''}")
    if any(one.state == "works" for one in found):
        return 0
    raise BackendError("Expected at least one interpreter that works here, found none; see the lines above.")


def _as_dict(found: Prediction, top: int) -> dict[str, Any]:
    ranking = [{"digit": digit, "score": score} for digit, score in found.ranking[:top]]
    return {"digit": found.digit, "confidence": found.confidence, "top": ranking}


def in_words(found: Prediction, top: int) -> str:
    """Return what a line for people says about `found`, with its `top` likeliest digits."""
    ranking = ", ".join(f"{digit} ({score:.1%})" for digit, score in found.ranking[:top])
    if found.digit is None:
        return f"no digit; the likeliest: {ranking}" if ranking else "no digit; it is blank"
    return ranking


def classifier_facts(classifier: Classifier) -> dict[str, Any]:
    """Return what JSON says about the classifier that gave the answers."""
    from mnist_runtime.backend import backend_version

    manifest = classifier.manifest
    return {
        "schema": 1,
        "model": manifest.name,
        "format": manifest.format,
        "precision": manifest.precision,
        "backend": classifier.backend_name,
        "backend_version": backend_version(classifier.backend_name),
    }

"""``mnist-runtime``: classify pictures from the command line.

Nothing but the standard library is imported until a command runs.
"""

from __future__ import annotations

import argparse
import pkgutil
import warnings
from pathlib import Path

from mnist_runtime.cli.classify import classify_command
from mnist_runtime.cli.device import doctor_command, self_test_command
from mnist_runtime.cli.options import count, rate
from mnist_runtime.system.command import run_command

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
    classify.add_argument("--top-k", type=count, default=1, metavar="N", help="answers to show, 1 to 10 (default: 1)")
    classify.add_argument("--json", action="store_true", help="print one JSON object")
    classify.set_defaults(command=classify_command)
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
        "--rate", type=rate, default=5.0, metavar="N", help="frames to read a second, at most (default: 5)"
    )
    watch.add_argument(
        "--steady", type=count, default=3, metavar="N", help="frames that must agree, 1 to 10 (default: 3)"
    )
    watch.add_argument("--model", metavar="PATH", help="an exported file (default: the ready int8 model)")
    watch.add_argument("--backend", choices=tuple(BACKENDS), help="default: the first one installed")
    watch.set_defaults(command=_watch)
    test = commands.add_parser("self-test", help="run the test vectors inside a model file on this device")
    test.add_argument("model", nargs="?", metavar="FILE", help="an exported file (default: the ready int8 model)")
    test.add_argument("--backend", choices=tuple(BACKENDS), help="default: the first one installed")
    test.add_argument("--json", action="store_true", help="print one JSON object")
    test.set_defaults(command=self_test_command)
    doctor = commands.add_parser("doctor", help="try every interpreter and say what works, what not and what to do")
    doctor.add_argument("--json", action="store_true", help="print one JSON object")
    doctor.set_defaults(command=doctor_command)
    return parser


def _read(arguments: argparse.Namespace) -> int:
    code: int = pkgutil.resolve_name("mnist_runtime.cli.read:read_command")(arguments)
    return code


def _watch(arguments: argparse.Namespace) -> int:
    code: int = pkgutil.resolve_name("mnist_runtime.cli.watch:watch_command")(arguments)
    return code

"""The command ``mnist-runtime``. Interpreters, Pillow and OpenCV are imported when a subcommand needs them."""

from __future__ import annotations

import argparse
import warnings
from typing import Any

from mnist_runtime import __version__
from mnist_runtime.errors import printable
from mnist_runtime.system.command import end_at_interrupt, put_collections_off, run_command
from mnist_runtime.system.terminal import quiet

__all__ = ["command_line", "main"]


EXAMPLES = """\
examples:
  mnist-runtime classify seven.png
  mnist-runtime classify --model cnn-int8.tflite --top-k 3 *.png
  mnist-runtime classify --json photo.jpg
  mnist-runtime read page.jpg --annotate marked.png
  mnist-runtime watch --source 0
  mnist-runtime serve
  mnist-runtime self-test cnn-int8.tflite
  mnist-runtime bench cnn-int8.tflite
  mnist-runtime verify cnn-int8.tflite --trusted keys
  mnist-runtime doctor

exit codes: 0 done, 1 bug, 2 wrong usage, 4 a package is missing, 5 bad model
  file or failed self-test, 6 bad picture, video or camera
"""


def main() -> None:
    """Run the command line of `sys.argv`."""
    end_at_interrupt()
    put_collections_off()
    arguments = command_line().parse_args()
    warnings.formatwarning = lambda message, *_, **__: f"warning: {printable(str(message))}\n"
    with quiet(arguments.quiet):
        run_command(lambda: _run(arguments))


def command_line() -> argparse.ArgumentParser:
    """Return the parser; the documentation is generated from it."""
    from mnist_runtime.artifact.task import MOST_LABELS
    from mnist_runtime.cli.options import (  # with NumPy
        MODEL_HELP,
        add_backend,
        add_json,
        add_keep_doubtful,
        add_model,
        add_quiet,
        add_trusted,
        count,
        path_of,
    )

    parser = argparse.ArgumentParser(
        prog="mnist-runtime",
        description="Classify handwritten digits, or other pictures, with a model from\nmnist-export or the ready one.",
        epilog=EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--version", action="version", version=f"%(prog)s {__version__}")
    commands = parser.add_subparsers(title="commands", required=True, metavar="COMMAND", dest="command")

    classify = commands.add_parser("classify", help="print the digit or other label of each picture")
    classify.add_argument(
        "files",
        nargs="+",
        metavar="FILE",
        help="a picture of one digit, dark or light, or of what the model was made for; - for stdin",
    )
    add_model(classify)
    add_backend(classify)
    best = "digits or labels to print, the most likely first (default: 1)"
    classify.add_argument("--top-k", type=count(MOST_LABELS), default=1, metavar="N", help=best)
    add_keep_doubtful(classify)
    add_json(classify)

    read = commands.add_parser("read", help="find the digits of each picture, row by row")
    read.add_argument("files", nargs="+", metavar="FILE", help="a picture; most touching digits are split; - for stdin")
    read.add_argument("--annotate", type=path_of, metavar="OUT.png", help="write a copy with the digits marked")
    read.add_argument("--all", action="store_true", help="also print the symbols that are no digit")
    add_keep_doubtful(read)
    add_model(read)
    add_backend(read)
    add_json(read)

    _add_watch(commands)

    regions = commands.add_parser("regions", help="print where a picture shows rows of digits, for watch --regions")
    regions.add_argument("file", metavar="FILE", help="a picture from the camera; - for stdin")
    regions.add_argument("--annotate", type=path_of, metavar="OUT.png", help="write a copy with the digits marked")
    add_model(regions)
    add_backend(regions)

    _add_serve(commands)

    test = commands.add_parser("self-test", help="run the golden vectors inside a model file on this device")
    test.add_argument("model", nargs="?", metavar="FILE", help=MODEL_HELP)
    add_trusted(test)
    add_backend(test)
    add_json(test)

    bench = commands.add_parser("bench", help="measure time and memory of a model with each interpreter")
    bench.add_argument("model", nargs="?", metavar="FILE", help=MODEL_HELP)
    bench.add_argument("--quick", action="store_true", help="one image, no batches: a second for each interpreter")
    drawn = "draw the figures as .png, .svg or .pdf (matplotlib)"
    bench.add_argument("--plot", type=path_of, metavar="FILE", help=drawn)
    add_backend(bench, "all installed")
    add_json(bench)

    verify = commands.add_parser("verify", help="check that a file is complete and signed by a trusted key")
    verify.add_argument("files", nargs="+", metavar="FILE", help="a file that mnist-export sign has signed")
    add_trusted(verify, required=True)
    add_json(verify)

    doctor = commands.add_parser("doctor", help="try every interpreter; print which work and how to fix the others")
    add_json(doctor)
    for command in commands.choices.values():
        add_quiet(command)
    return parser


def _add_watch(commands: Any) -> None:
    from mnist_runtime.cli.options import (
        above_zero,
        add_backend,
        add_keep_doubtful,
        add_model,
        count,
        named_value,
        path_of,
    )

    watch = commands.add_parser("watch", help="print a line of JSON whenever a camera or video shows other digits")
    source = "number or device of a camera, a video file, or /dev/stdin for a pipe of video"
    watch.add_argument("--source", required=True, metavar="0|FILE", help=source)
    rate = "largest number of frames per second (default: 5)"
    watch.add_argument("--rate", type=above_zero(1000), default=5.0, metavar="N", help=rate)
    steady = "frames that must agree, 1 to 10 (default: 3)"
    watch.add_argument("--steady", type=count(10), default=3, metavar="N", help=steady)
    watch.add_argument("--regions", type=path_of, metavar="FILE", help="read the values of these regions (TOML)")
    start = "value of the meter now, to check the first reading; may be repeated"
    watch.add_argument("--start", type=named_value, action="append", metavar="NAME=VALUE", help=start)
    watch.add_argument("--csv", type=path_of, metavar="FILE", help="append each change of a value to this file")
    watch.add_argument("--mqtt", metavar="URL", help="publish values: mqtt://HOST[:PORT][/TOPIC], mqtts:// for TLS")
    credentials = "file with user and password, a line each (default: $MNIST_MQTT_USER, $MNIST_MQTT_PASSWORD)"
    watch.add_argument("--mqtt-credentials", type=path_of, metavar="FILE", help=credentials)
    add_keep_doubtful(watch)
    add_model(watch)
    add_backend(watch)


def _add_serve(commands: Any) -> None:
    from mnist_runtime.cli.options import add_backend, add_keep_doubtful, add_model, path_of, port

    label = commands.add_parser("label", help="sort pictures into a folder for each label, to train with them")
    label.add_argument(
        "folder", type=path_of, metavar="DIR", help="a folder of pictures, such as that of --keep-doubtful"
    )
    add_model(label)
    add_backend(label)

    serve = commands.add_parser("serve", help="classify pictures over HTTP, with a page to draw on")
    host = "name or address to listen at (default: 127.0.0.1, this computer only); others need --token"
    serve.add_argument("--host", default="127.0.0.1", metavar="HOST", help=host)
    serve.add_argument("--port", type=port, default=8000, metavar="N", help="0 for a free one (default: 8000)")
    serve.add_argument("--token", metavar="TOKEN", help="secret that clients must send (default: $MNIST_TOKEN)")
    serve.add_argument("--label", type=path_of, metavar="DIR", help="also serve /label, a page to label this folder")
    add_keep_doubtful(serve)
    add_model(serve)
    add_backend(serve)


def _run(arguments: argparse.Namespace) -> int:
    """Import and run the subcommand."""
    match arguments.command:
        case "classify":
            from mnist_runtime.cli.pictures import classify_command as command
        case "read":
            from mnist_runtime.cli.pictures import read_command as command
        case "watch":
            from mnist_runtime.cli.watch import watch_command as command
        case "regions":
            from mnist_runtime.cli.watch import regions_command as command
        case "serve":
            from mnist_runtime.cli.serve import serve_command as command
        case "label":
            from mnist_runtime.cli.serve import label_command as command
        case "self-test":
            from mnist_runtime.cli.checks import self_test_command as command
        case "verify":
            from mnist_runtime.cli.checks import verify_command as command
        case "bench":
            from mnist_runtime.cli.checks import bench_command as command
        case _:
            from mnist_runtime.cli.checks import doctor_command as command
    return command(arguments)

"""``mnist-train`` and ``mnist-evaluate``: their doors, and what options of several commands share.

Nothing but the standard library and the tables is imported until a command runs.
"""

from __future__ import annotations

import argparse
import json
import pkgutil
import sys
from typing import TYPE_CHECKING

from mnist_runtime import __version__
from mnist_runtime.command import run_command
from mnist_trainer.datasets import DATASETS
from mnist_trainer.model_file import READY_MODELS

if TYPE_CHECKING:
    from mnist_trainer.evaluation import Evaluation

__all__ = ["evaluate_main", "train_main"]

DATA_HELP = (
    f"{', '.join(DATASETS)}, the path of an .npz file or of a folder of pictures, or auto: mnist where it can be had, "
    "else digits (default: auto)"
)
MODEL_HELP = f"{', '.join(READY_MODELS)}, or a .keras or .h5 file or a SavedModel folder"
TRUST_HELP = "run Python code in the model's file (Lambda layers); only for a file whose maker you know"
EXIT_CODES = "exit codes: 0 done, 1 bug, 2 wrong usage, 4 a package is missing, 5 bad model file, 6 bad data"
EVALUATE_EXAMPLES = f"""\
examples:
  mnist-evaluate cnn
  mnist-evaluate trained/mlp.keras --data digits --json

{EXIT_CODES}
"""


def train_main() -> None:
    """Run ``mnist-train`` with the arguments of `sys.argv`."""
    pkgutil.resolve_name("mnist_trainer.train_command:train_main")(sys.argv[1:])


def evaluate_main() -> None:
    """Run ``mnist-evaluate`` with the arguments of `sys.argv`."""
    parser = command_parser("mnist-evaluate", "Say how well a Keras model reads digits.", EVALUATE_EXAMPLES)
    parser.add_argument("model", metavar="NAME|PATH", help=MODEL_HELP)
    parser.add_argument("--trust", action="store_true", help=TRUST_HELP)
    parser.add_argument("--data", default="auto", metavar="NAME|PATH", help=DATA_HELP)
    parser.add_argument(
        "--pixel-range", choices=("0..1", "0..255"), default="0..1", help="what it was trained on (default: 0..1)"
    )
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    arguments = parser.parse_args()
    run_command(lambda: _evaluate(arguments))


def positive(text: str) -> int:
    """Parse a whole number above 0 of a command line."""
    if text.isdecimal() and int(text) > 0:
        return int(text)
    raise argparse.ArgumentTypeError(f"expected a whole number above 0, received {text!r}")


def natural(text: str) -> int:
    """Parse a seed: a whole number from 0 to 2**31 - 1."""
    if text.isdecimal() and int(text) < 2**31:
        return int(text)
    raise argparse.ArgumentTypeError(f"expected a whole number from 0 to 2147483647, received {text!r}")


def command_parser(name: str, description: str, epilog: str) -> argparse.ArgumentParser:
    """Return a parser that knows ``--version`` and ends its help with `epilog`, as it stands."""
    parser = argparse.ArgumentParser(
        prog=name, description=description, epilog=epilog, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--version", action="version", version=f"%(prog)s {__version__}")
    return parser


def _evaluate(arguments: argparse.Namespace) -> int:
    from mnist_trainer.datasets import load_data
    from mnist_trainer.evaluation import evaluate
    from mnist_trainer.model_file import load_model, model_path
    from mnist_trainer.tensorflow_import import import_tensorflow

    model_path(arguments.model)  # what is wrong with it is told before TensorFlow takes its seconds
    data = load_data(arguments.data)
    import_tensorflow()
    scale = 1 / 255 if arguments.pixel_range == "0..1" else 1.0
    found = evaluate(load_model(arguments.model, trust=arguments.trust), data.test, pixel_scale=scale)
    if arguments.json:
        print(json.dumps({"model": arguments.model, **found.as_dict()}, indent=2))
    else:
        print(_table(found))
    return 0


def _table(found: Evaluation) -> str:
    rows = "\n".join(
        f"{digit:4d}  {' '.join(f'{count:5d}' for count in row)}  {row[digit] / max(1, row.sum()):7.2%}"
        for digit, row in enumerate(found.confusion)
    )
    return (
        f"{found.accuracy:.2%} of {found.images:,} {found.split} images of {found.dataset} right\n\n"
        f"true  {' '.join(f'{digit:5d}' for digit in range(10))}    right\n{rows}"
    )

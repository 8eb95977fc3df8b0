"""``mnist-evaluate``: ask each model about the same images, print what came out, write pictures of it."""

from __future__ import annotations

import argparse
import json
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from mnist_runtime.system.command import echo, run_command
from mnist_trainer.cli.main import command_parser
from mnist_trainer.cli.options import DATA_HELP, EXIT_CODES, MODEL_HELP, TRUST_HELP
from mnist_trainer.errors import UsageError
from mnist_trainer.model_io.digit_model import PIXEL_RANGES

if TYPE_CHECKING:
    from mnist_trainer.evaluation.evaluate import Evaluation
    from mnist_trainer.evaluation.report import ModelReport
    from mnist_trainer.evaluation.robustness import Robustness

__all__ = ["evaluate_main"]

EXAMPLES = f"""\
examples:
  mnist-evaluate cnn
  mnist-evaluate cnn mlp exported/cnn-int8.tflite --report evaluation
  mnist-evaluate trained/mlp.keras --data digits --robustness --json

{EXIT_CODES}
"""


def evaluate_main(words: Sequence[str]) -> None:
    """Run ``mnist-evaluate`` with `words` and leave the process."""
    parser = command_parser("mnist-evaluate", "Say how well digit models read, side by side.", EXAMPLES)
    parser.add_argument(
        "models", nargs="+", metavar="MODEL", help=f"{MODEL_HELP}, or a .tflite or .onnx file of mnist-export"
    )
    parser.add_argument("--trust", action="store_true", help=TRUST_HELP)
    parser.add_argument("--data", default="auto", metavar="NAME|PATH", help=DATA_HELP)
    parser.add_argument(
        "--pixel-range",
        choices=tuple(PIXEL_RANGES),
        help="pixel range that the Keras models were trained on (default: measured)",
    )
    parser.add_argument(
        "--robustness", action="store_true", help="ask about corrupted digits and pictures of no digit too; a minute"
    )
    parser.add_argument("--report", type=Path, metavar="DIR", help="write evaluation.html, .json and pictures")
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    arguments = parser.parse_args(words)
    run_command(lambda: _evaluate(arguments))


def _evaluate(arguments: argparse.Namespace) -> int:
    from mnist_runtime.system.atomic import check_output_path
    from mnist_trainer.data.load import load_data
    from mnist_trainer.evaluation.evaluate import Evaluation
    from mnist_trainer.evaluation.predictor import EXPORTED, load_predictor
    from mnist_trainer.evaluation.report import ModelReport
    from mnist_trainer.evaluation.robustness import Robustness
    from mnist_trainer.model_io.load import model_path
    from mnist_trainer.training.monitoring.curves import need_matplotlib

    names = list(dict.fromkeys(arguments.models))
    if len(names) < len(arguments.models):
        raise UsageError(f"Expected different models, received {' '.join(arguments.models)}; name each once.")
    if arguments.report:
        need_matplotlib()
        check_output_path(arguments.report / "evaluation.html")
    for name in names:
        if Path(name).suffix not in EXPORTED:
            model_path(name)  # a wrong path is reported before anything is loaded
    test = load_data(arguments.data).test
    predictors = [
        load_predictor(name, test, trust=arguments.trust, pixel_range=arguments.pixel_range, report=echo)
        for name in names
    ]
    off_the_path: Sequence[Robustness | None] = [None] * len(names)
    if arguments.robustness:
        echo("corrupting digits and drawing what is none ...")
        off_the_path = Robustness.measure(predictors, test)
    evaluations = [Evaluation.of(predictor, test) for predictor in predictors]
    assessed = [ModelReport(*one) for one in zip(names, evaluations, off_the_path, strict=True)]
    facts = json.dumps({"models": [one.as_dict() for one in assessed]}, indent=2)
    if arguments.report:
        _write(arguments.report, assessed)
        (arguments.report / "evaluation.json").write_text(facts + "\n")
    print(facts if arguments.json else _words(assessed))
    return 0


def _write(folder: Path, assessed: list[ModelReport]) -> None:
    """Write the page, and each picture that is on it."""
    from mnist_trainer.evaluation.figures import FIGURES
    from mnist_trainer.evaluation.report import evaluation_page

    figures = [{title: draw(one.evaluation) for title, draw in FIGURES.items()} for one in assessed]
    for index, (one, drawn) in enumerate(zip(assessed, figures, strict=True), start=1):
        for title, figure in drawn.items():
            figure.savefig(folder / f"{index}-{Path(one.name).stem}-{title}.png")
    (folder / "evaluation.html").write_text(evaluation_page(assessed, figures))
    echo(f"look at it: {folder / 'evaluation.html'}")


def _words(assessed: list[ModelReport]) -> str:
    """Return a table of all models, and what one alone takes for what."""
    test = assessed[0].evaluation.data
    width = max(len("model"), *(len(one.name) for one in assessed))
    lines = [
        f"{len(test):,} {test.split} images of {test.name}",
        "",
        f"{'model':{width}}  accuracy  95 % interval     mistakes  calibration error",
    ]
    for name, found, _ in assessed:
        low, high = found.interval
        lines.append(
            f"{name:{width}}  {found.accuracy:8.2%}  {low:.2%} - {high:.2%}  {len(found.mistakes):8,}"
            f"  {found.calibration_error:17.2%}"
        )
    if len(assessed) == 1:
        lines += ["", *_by_digit(assessed[0].evaluation)]
    if robust := {name: found for name, _, found in assessed if found}:
        lines += ["", *_off_the_path(robust)]
    return "\n".join(lines)


def _by_digit(found: Evaluation) -> list[str]:
    lines = [f"true  {' '.join(f'{digit:5d}' for digit in range(10))}  precision  recall     F1"]
    for digit, row in enumerate(found.confusion):
        scores = found.by_digit[str(digit)]
        lines.append(
            f"{digit:4d}  {' '.join(f'{count:5d}' for count in row)}  {scores['precision']:9.2%}  "
            f"{scores['recall']:.2%}  {scores['f1-score']:.2%}"
        )
    return lines


def _off_the_path(robust: dict[str, Robustness]) -> list[str]:
    """Return accuracy by corruption and AUROC by kind of non-digit, a column a model."""
    found = list(robust.values())
    rows = [(kind, [f"{one.accuracy[kind]:.2%}" for one in found]) for kind in found[0].accuracy]
    rows += [("mean of corruptions", [f"{one.mean_accuracy:.2%}" for one in found])]
    rows += [(f"no digit: {kind}", [f"{one.auroc[kind]:.4f}" for one in found]) for kind in found[0].auroc]
    rows += [("mean of non-digits", [f"{one.mean_auroc:.4f}" for one in found])]
    return [
        f"{title:22}" + "".join(f"  {cell:>{max(8, len(name))}}" for name, cell in zip(robust, cells, strict=True))
        for title, cells in [("right, or AUROC", list(robust)), *rows]
    ]

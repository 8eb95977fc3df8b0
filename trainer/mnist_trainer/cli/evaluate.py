"""``mnist-evaluate``: classify the same images with each model, print a comparison and write an HTML page."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click

from mnist_runtime.errors import ArtifactError, counted, printable
from mnist_runtime.system.atomic import check_output_path
from mnist_runtime.system.command import echo
from mnist_runtime.system.terminal import Progress
from mnist_trainer.cli.data_options import data_options
from mnist_trainer.cli.options import (
    MODEL_HELP,
    Command,
    argument,
    json_option,
    model_type,
    option,
    trust_option,
)
from mnist_trainer.cli.parameter_types import OUTPUT_PATH, ExistingPath
from mnist_trainer.cli.pixel_options import pixel_options
from mnist_trainer.data.dataset import check_digits
from mnist_trainer.data.load import load_data
from mnist_trainer.data.records import sets_seen_by
from mnist_trainer.errors import UsageError, require_extras
from mnist_trainer.foreign.stated import stated_for
from mnist_trainer.model_io.find import find_model

if TYPE_CHECKING:
    from mnist_trainer.data.stated import StatedTask
    from mnist_trainer.evaluation.domains import Domains
    from mnist_trainer.evaluation.evaluate import Evaluation
    from mnist_trainer.evaluation.pages.report import ModelReport
    from mnist_trainer.evaluation.robustness import Robustness
    from mnist_trainer.recipes.pixel_scaling import PixelScaling

__all__ = ["evaluate"]

EXAMPLES = """
mnist-evaluate cnn
mnist-evaluate cnn mlp exported/cnn-int8.tflite --report evaluation
mnist-evaluate trained/mlp.keras --data digits --robustness --json
"""

WIDTH = 80
"""Columns of the terminal that the tables may fill."""
LONGEST_NAME = 24
"""Largest width of a model name or class name in such a table, in columns."""
LOADING, DOMAINS = 3.0, 20.0
"""Typical seconds to load a model, and to classify digits from other sources, for the progress display."""
MOST_CONFUSED = 10
"""Number of class pairs that are listed if the confusion matrix is too wide."""


@click.command(
    "mnist-evaluate",
    cls=Command,
    help="Measure how well models of digits or other small images classify them, side by side.",
    examples=EXAMPLES,
)
@argument(
    "models",
    f"{MODEL_HELP}, or a .tflite or .onnx file, also of another tool.",
    type=model_type,
    nargs=-1,
    required=True,
    metavar="MODEL...",
)
@data_options()
@pixel_options("Pixels of the models, except files of mnist-export")
@option(
    "--robustness",
    is_flag=True,
    help="Also classify corrupted digits and pictures without a digit. This takes a minute.",
)
@option(
    "--domains",
    is_flag=True,
    help="Also classify digits of other sources: scikit-learn's, a simulated pen's, printed ones, seven segments.",
)
@trust_option()
@option(
    "--report",
    type=OUTPUT_PATH,
    metavar="DIR",
    help="Write evaluation.html, evaluation.json and pictures into this folder.",
)
@json_option()
def evaluate(
    *,
    models: tuple[str, ...],
    data: str,
    stated: StatedTask,
    pixel_range: PixelScaling | None,
    robustness: bool,
    domains: bool,
    trust: bool,
    report: Path | None,
    as_json: bool,
) -> int:
    """Evaluate the models and print the comparison."""
    from mnist_trainer.evaluation.domains import Domains
    from mnist_trainer.evaluation.evaluate import Evaluation
    from mnist_trainer.evaluation.pages.report import ModelReport, reports_as_json, write_report
    from mnist_trainer.evaluation.predictor import EXPORTED, load_predictor
    from mnist_trainer.evaluation.robustness import STEPS, TYPICAL, Robustness
    from mnist_trainer.model_io.pixel_probe.probe import probe_images

    if len(set(models)) < len(models):
        raise UsageError(f"A model is named twice: {' '.join(models)}. Name each once.")
    needed = {"plots": "--report" if report else "", "robustness": "--robustness" if robustness else ""}
    require_extras(**{extra: purpose for extra, purpose in needed.items() if purpose})
    if report:
        check_output_path(report / "evaluation.html")
    for name in models:  # a wrong path is reported before anything is loaded
        if Path(name).suffix in EXPORTED:
            ExistingPath(ArtifactError).convert(name, None, None)
        else:
            find_model(name)
    # It is not known on which data the original of an exported file was trained.
    is_exported = any(Path(name).suffix in EXPORTED for name in models)
    seen = None if is_exported else sets_seen_by(find_model(name).path for name in models)
    train, test = load_data(data, seen=seen, stated=stated_for(models, data, stated))
    if robustness:
        check_digits(test, "Robustness is", "--robustness")
    if domains:
        check_digits(test, "Domains are", "--domains")
    probe = probe_images(train, test)
    robust: Sequence[Robustness | None] = [None] * len(models)
    elsewhere: Sequence[Domains | None] = [None] * len(models)
    predictors, evaluations = [], []
    steps = 2 * LOADING * len(models) + STEPS * TYPICAL * robustness + DOMAINS * domains
    with Progress(steps) as progress:
        for name in models:
            with progress.step(f"loading {printable(name)}", LOADING):
                predictors.append(load_predictor(name, probe, trust=trust, pixel_range=pixel_range, report=echo))
        if robustness:
            echo("measuring robustness ...")
            robust = Robustness.measure(predictors, test, progress=progress)
        if domains:
            with progress.step("classifying digits of others", DOMAINS):
                elsewhere = Domains.measure(predictors, test)
        for name, predictor in zip(models, predictors, strict=True):
            with progress.step(f"classifying with {printable(name)}", LOADING):
                evaluations.append(Evaluation.of(predictor, test))
    reports = [ModelReport(*one) for one in zip(models, evaluations, robust, elsewhere, strict=True)]
    if report:
        write_report(reports, report)
        echo(f"open in a browser: {printable(str(report / 'evaluation.html'))}")
    print(reports_as_json(reports) if as_json else _tables(reports))
    return 0


def _tables(reports: list[ModelReport]) -> str:
    """Return a comparison of all models, with details if there is only one, in 80 columns."""
    test = reports[0].evaluation.data
    names = [printable(one.name) for one in reports]
    lines = [f"{counted(len(test), f'{test.split} image')} of {test.name}", ""]
    if max(map(len, names)) > LONGEST_NAME:
        labels = [str(number) for number in range(1, len(names) + 1)]
        lines += [f"{label}  {name}" for label, name in zip(labels, names, strict=True)] + [""]
        names = labels
    width = max(len("model"), *map(len, names))
    lines.append(f"{'model':{width}}  accuracy  95 % interval     mistakes  calibration error")
    for name, one in zip(names, reports, strict=True):
        found = one.evaluation
        low, high = found.interval
        lines.append(
            f"{name:{width}}  {found.accuracy:8.2%}  {low:.2%} - {high:.2%}  {len(found.mistakes):8,}"
            f"  {found.calibration_error:17.2%}"
        )
    if len(reports) == 1:
        lines += ["", *_by_class(reports[0].evaluation)]
    robust = [(name, one.robustness) for name, one in zip(names, reports, strict=True) if one.robustness]
    side_by_side = (WIDTH - 22) // (2 + max(8, width))
    for start in range(0, len(robust), side_by_side):
        lines += ["", *_robustness(dict(robust[start : start + side_by_side]))]
    elsewhere = [(name, one.domains) for name, one in zip(names, reports, strict=True) if one.domains]
    for start in range(0, len(elsewhere), side_by_side):
        lines += ["", *_domains(dict(elsewhere[start : start + side_by_side]))]
    return "\n".join(lines)


def _by_class(found: Evaluation) -> list[str]:
    """Return the confusion matrix or the most frequent mistakes, and precision, recall and F1 score of each class.

    The last three are ``-`` for a class without an image.
    """
    names = found.data.task.labels
    noun = "digit" if found.data.task.is_mnist else "class"
    longest = max(map(len, names))
    width = max(4, longest, len(str(found.confusion.max())))
    side = max(4, longest)
    if side + len(names) * (2 + width) <= WIDTH:
        lines = [f"confusion matrix: true {noun} by row, answer by column"]
        lines.append(" " * side + "".join(f"  {name:>{width}}" for name in names))
        rows = zip(names, found.confusion, strict=True)
        lines += [f"{name:>{side}}" + "".join(f"  {n:{width}d}" for n in row) for name, row in rows]
    else:
        lines = ["most frequent mistakes: true class, answer, images"]
        lines += [
            f"{truth[:LONGEST_NAME]:>{LONGEST_NAME}}  {answer[:LONGEST_NAME]:{LONGEST_NAME}}  {count:6,}"
            for truth, answer, count in found.confused[:MOST_CONFUSED]
        ] or ["  none"]
    side = min(max(len(noun), longest), LONGEST_NAME)
    lines += ["", f"{noun:>{side}}  precision   recall       F1"]
    for name in names:
        scores = found.by_class[name]
        cells = [f"{scores[key]:.2%}" if scores["support"] else "-" for key in ("precision", "recall", "f1-score")]
        lines.append(f"{name[:side]:>{side}}  {cells[0]:>9}  {cells[1]:>7}  {cells[2]:>7}")
    return lines


def _robustness(robust: dict[str, Robustness]) -> list[str]:
    """Return accuracy by corruption and AUROC by kind of non-digit, with a column for each model."""
    found = list(robust.values())
    rows = [(kind, [f"{one.accuracy[kind]:.2%}" for one in found]) for kind in found[0].accuracy]
    rows += [("mean of corruptions", [f"{one.mean_accuracy:.2%}" for one in found])]
    rows += [(f"no digit: {kind}", [f"{one.auroc[kind]:.4f}" for one in found]) for kind in found[0].auroc]
    rows += [("mean of non-digits", [f"{one.mean_auroc:.4f}" for one in found])]
    return _side_by_side("accuracy, or AUROC", list(robust), rows)


def _domains(elsewhere: dict[str, Domains]) -> list[str]:
    """Return accuracy on digits from other sources, with a column for each model."""
    found = list(elsewhere.values())
    rows = [(name, [f"{one.accuracy[name]:.2%}" for one in found]) for name in found[0].accuracy]
    rows += [("no digit: pen's signs", [f"{one.auroc:.4f}" for one in found])]
    return _side_by_side("digits of others", list(elsewhere), rows)


def _side_by_side(corner: str, names: list[str], rows: list[tuple[str, list[str]]]) -> list[str]:
    return [
        f"{title:22}" + "".join(f"  {cell:>{max(8, len(name))}}" for name, cell in zip(names, cells, strict=True))
        for title, cells in [(corner, names), *rows]
    ]

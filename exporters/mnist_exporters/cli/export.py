"""``mnist-export``: export one model to one file or several."""

from __future__ import annotations

import contextlib
from collections.abc import Collection, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click

from mnist_exporters.cli.deploy import deploy_command
from mnist_exporters.cli.inspect import inspect_command
from mnist_exporters.cli.options import (
    EXIT_CODES,
    SOURCE,
    accuracy_option,
    golden_option,
    source_options,
    ssh_config_option,
)
from mnist_exporters.cli.outcomes import EXPORTING, LOADING, MEASURING, ReportPlace, check_device, export_all
from mnist_exporters.cli.quantize_option import ExportCommand
from mnist_exporters.cli.seal import seal_command
from mnist_exporters.cli.sign import sign_command
from mnist_exporters.cli.verify import verify_command
from mnist_exporters.errors import UsageError
from mnist_exporters.spec.export_spec import ExportSpec
from mnist_exporters.spec.format import FORMATS, check_source
from mnist_exporters.spec.package_kind import PACKAGE_KINDS, check_package
from mnist_exporters.spec.precision import ALIASES, Precision, parse_precision
from mnist_exporters.targets.devices import TARGETS
from mnist_runtime.errors import printable
from mnist_runtime.system.command import echo, warn
from mnist_runtime.system.terminal import Progress
from mnist_trainer.cli.options import MODEL_HELP, argument, json_option, model_type, option
from mnist_trainer.cli.parameter_types import COUNT, OUTPUT_PATH, SEED, Choice, NameOrPath
from mnist_trainer.foreign.file_model import kind_of
from mnist_trainer.foreign.load import find_source
from mnist_trainer.model_io.find import READY_MODELS

if TYPE_CHECKING:
    from mnist_trainer.data.stated import StatedTask
    from mnist_trainer.recipes.pixel_scaling import PixelScaling

__all__ = ["export_command"]

DEFAULT_MODEL = "cnn"

EVERY_FORMAT = tuple(name for name, row in FORMATS.items() if row.extra is None)
"""The formats of ``--format all``: those that need no optional extra."""

EXAMPLES = """\
mnist-export my-model.keras --quantize
mnist-export cnn --format all --quantize none --quantize int8 --report report
mnist-export my-model.keras --data my-digits.npz --format onnx --json
mnist-export meter.keras --data meter-pictures --quantize
mnist-export --model from-pytorch.onnx --format onnx --quantize
mnist-export verify exported/cnn-int8.tflite --against cnn
mnist-export inspect exported/cnn-int8.tflite
mnist-export sign exported/cnn-int8.tflite --key ~/.ssh/id_ed25519
mnist-export deploy exported/cnn-int8.tflite pi@raspberrypi.local
"""

FILE, PROOF = "File to make", "Proof of accuracy"


@click.command(
    "mnist-export",
    cls=ExportCommand,
    examples=EXAMPLES,
    exit_codes=EXIT_CODES,
    subcommands=(verify_command, seal_command, inspect_command, sign_command, deploy_command),
)
@argument(
    "model_argument",
    "The model to export; the same as --model.",
    required=False,
    metavar="[MODEL]",
    type=NameOrPath(
        (*READY_MODELS, "verify", "seal", "inspect", "sign", "deploy")
    ),  # the names that shell completion offers
)
@option(
    "--model",
    section=SOURCE,
    type=model_type,
    metavar="NAME|PATH",
    help=f"The original: {MODEL_HELP}, or, for --format onnx, an .onnx file (default: {DEFAULT_MODEL}).",
)
@source_options
@option(
    "--format",
    section=FILE,
    type=Choice((*FORMATS, "all")),
    multiple=True,
    default=("tflite",),
    help=f"{', '.join(FORMATS)}, or all for {' and '.join(EVERY_FORMAT)} (default: tflite). May be repeated.",
)
@option(
    "--quantize",
    section=FILE,
    type=Choice(tuple(ALIASES)),
    multiple=True,
    metavar="[PRECISION]",
    help="none (float32), float16, dynamic (int8 weights), int8, int4 (weights) or int16x8 (activations x weights). "
    "Without a precision: int8. Without this option: none. May be repeated.",
)
@option(
    "--input-dtype",
    section=FILE,
    metavar="TYPE",
    help="Input of an integer file: uint8 (raw pixel), int8 (pixel - 128) or float32 (scaled pixel).",
)
@option(
    "--output-dtype", section=FILE, metavar="TYPE", help="Output of an integer file: uint8, int8, int16 or float32."
)
@option(
    "--package",
    section=FILE,
    type=Choice(tuple(PACKAGE_KINDS)),
    help=f"Write the files as a folder in this form, with an example: {', '.join(PACKAGE_KINDS)}.",
)
@option(
    "--target",
    section=FILE,
    type=Choice(tuple(TARGETS)),
    help=f"A device that must load each file: {', '.join(TARGETS)}.",
)
@option(
    "--output",
    section=FILE,
    type=OUTPUT_PATH,
    default=Path("exported"),
    metavar="PATH",
    help="Folder, or one file (default: exported).",
)
@accuracy_option(PROOF)
@option(
    "--no-repair",
    section=PROOF,
    is_flag=True,
    help="Do not repair a file whose accuracy is not proven. A repair computes the last activation in float32 or gives "
    "single layers more bits.",
)
@option(
    "--calibration-samples",
    section=PROOF,
    type=COUNT,
    metavar="N",
    help="Number of training images for the calibration, which sets the ranges of integers (default: 500, or twice "
    "the number of classes if that is more; all if there are fewer).",
)
@golden_option(FILE)
@option(
    "--seed",
    section=PROOF,
    type=SEED,
    default=0,
    metavar="N",
    help="Seed for the choice of the calibration images (default: 0).",
)
@option(
    "--report",
    type=OUTPUT_PATH,
    metavar="DIR",
    help="Measure and compare the files; write report.json and report.html.",
)
@option(
    "--measure-on",
    metavar="USER@HOST",
    help="With --report: measure and test the files on this device too, over ssh. Its speed decides the "
    "recommendation.",
)
@ssh_config_option()
@json_option()
def export_command(
    *,
    model_argument: str | None,
    model: str | None,
    data: str,
    stated: StatedTask,
    pixel_range: PixelScaling | None,
    expect_accuracy: float | None,
    trust: bool,
    format: Sequence[str],
    quantize: Sequence[str],
    input_dtype: str | None,
    output_dtype: str | None,
    package: str | None,
    target: str | None,
    output: Path,
    max_accuracy_drop: float | None,
    no_repair: bool,
    calibration_samples: int | None,
    seed: int,
    golden_from_data: bool,
    report: Path | None,
    measure_on: str | None,
    ssh_config: Path | None,
    as_json: bool,
) -> int:
    """Export a model to files for small devices: of handwritten digits, or of other small images.

    Each file is compared with the model on real images, and written only if its accuracy is proven.
    """
    if None not in (model_argument, model) and model_argument != model:
        raise UsageError(f"Two models are given, {model_argument} and --model {model}. Give one.")
    if measure_on and not report:
        raise UsageError("--measure-on writes into a report. Add --report DIR.")
    from mnist_exporters.api import open_session
    from mnist_exporters.pipeline.staging import check_destination, export_path, new_folders_removed
    from mnist_runtime.system.atomic import check_output_path

    device = TARGETS[target] if target else None
    source = find_source(next(name for name in (model_argument, model, DEFAULT_MODEL) if name is not None))
    kind = kind_of(source.path)
    specs = _specs(format, kind, quantize, max_accuracy_drop, input_dtype, output_dtype, package=package)
    for spec in specs:
        if device:
            device.check_spec(spec)
    paths = [export_path(output, spec, source.name) for spec in specs]
    if len(set(paths)) < len(paths):
        raise UsageError(f"The output {output} is one file, but {len(paths)} are requested. Give a folder.")
    report_file = [report / "report.html"] if report else []
    with contextlib.ExitStack() as stack:
        for path in (*paths, *report_file):
            stack.enter_context(new_folders_removed(path))
        for path, spec in zip(paths, specs, strict=True):
            check_destination(path, spec)
        if report:
            from mnist_exporters.reports.html import REPORT_FILES

            for name in REPORT_FILES:
                check_output_path(report / name)
        if measure_on:
            check_device(measure_on, ssh_config)
        files = list(zip(specs, paths, strict=True))
        place = ReportPlace(report, measure_on, ssh_config) if report else None
        with Progress(LOADING + len(files) * (EXPORTING + MEASURING * bool(report))) as progress:
            with progress.step(f"loading and measuring {printable(source.name)}", LOADING):
                session = open_session(
                    source,
                    data,
                    stated=stated,
                    pixel_range=pixel_range,
                    expect_accuracy=expect_accuracy,
                    trust=trust,
                    calibration_samples=calibration_samples,
                    seed=seed,
                    golden_from_data=golden_from_data,
                )
                original = session.describe_original()
                advice = session.advice if expect_accuracy is None else None
            echo(original)  # an unsuitable original is reported once here, not for each file
            if advice:
                (warn if advice.startswith("warning:") else echo)(advice)  # --quiet hides notes but not warnings
            return export_all(session, files, device, place, progress, repair=not no_repair, as_json=as_json)


def _specs(
    format: Sequence[str],
    kind: str,
    quantize: Sequence[str],
    max_accuracy_drop: float | None,
    *dtypes: str | None,
    package: str | None,
) -> list[ExportSpec]:
    """Return the spec of each requested file. ``--format all`` means all formats that have the precision.

    `kind` is the kind of the original; see `OriginalModel.kind`.
    """
    precisions = dict.fromkeys(parse_precision(name) for name in quantize or ["none"])  # without repetitions
    pairs = []
    for name in format:
        if package:
            check_package(package, name)
        if name == "all":
            every = [each for each in EVERY_FORMAT if kind in FORMATS[each].sources]
            pairs += [(each, p) for each in every for p in precisions if p in FORMATS[each].io_types]
        else:
            check_source(kind, name)
            pairs += [(name, p) for p in precisions]
    each_once = _without_impossible(dict.fromkeys(pairs))
    return [ExportSpec(name, p, max_accuracy_drop, *dtypes, package=package) for name, p in each_once]


def _without_impossible(pairs: Collection[tuple[str, Precision]]) -> Collection[tuple[str, Precision]]:
    """Remove pairs of format and precision that do not exist, and print a note about them.

    All pairs are returned if a requested format or precision would be lost, because this is an error of the user.
    """
    possible = [(name, precision) for name, precision in pairs if precision in FORMATS[name].io_types]
    if any({pair[part] for pair in possible} != {pair[part] for pair in pairs} for part in (0, 1)):
        return pairs
    if left_out := [f"{name} {precision}" for name, precision in pairs if (name, precision) not in possible]:
        echo(f"note: left out, because these formats do not have that precision: {', '.join(left_out)}")
    return possible

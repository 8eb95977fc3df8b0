"""``mnist-export``: parse, build the specs, export each, print one report.

Nothing but the standard library and the tables is imported until the command runs.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from mnist_exporters.cli.share import share
from mnist_exporters.cli.source import Source
from mnist_exporters.errors import UsageError
from mnist_exporters.pipeline.session import CALIBRATION_SAMPLES, GOLDEN_IMAGES, Material
from mnist_exporters.proof.report import ExportReport, RefusedError
from mnist_exporters.spec.export_spec import ExportSpec
from mnist_exporters.spec.format import FORMATS
from mnist_exporters.spec.precision import ALIASES, Precision
from mnist_exporters.targets.devices import TARGETS, Target
from mnist_runtime import __version__
from mnist_runtime.errors import ToolkitError
from mnist_runtime.system.command import echo, report_error, run_command
from mnist_trainer.cli.main import natural, positive

__all__ = ["export_main"]


EVERY_FORMAT = tuple(name for name, row in FORMATS.items() if row.extra is None)
"""What ``--format all`` stands for: what a plain installation can make."""


EXAMPLES = """\
examples:
  mnist-export --format tflite --quantize
  mnist-export --format all --quantize none --quantize int8 --output artifacts
  mnist-export --model my-model.keras --data my-digits.npz --format onnx --json
  mnist-export verify exported/cnn-int8.tflite --against cnn
  mnist-export inspect exported/cnn-int8.tflite

exit codes: 0 done, 1 bug, 2 wrong usage, 3 refused: not proven as good as the original,
            4 a package is missing, 5 bad model file, 6 bad data
"""


@dataclass(frozen=True)
class Job:
    """One run of the command: which files, from which model, proven on which data."""

    specs: tuple[ExportSpec, ...]
    source: Source
    output: Path
    calibration_samples: int | None
    seed: int
    target: Target | None
    report: Path | None

    def destination(self, spec: ExportSpec, name: str) -> Path:
        """Return where the file that `spec` describes goes."""
        suffix = FORMATS[spec.format].suffix
        if len(self.specs) == 1 and self.output.suffix == suffix and not self.output.is_dir():
            return self.output
        return self.output / f"{name}-{spec.precision}{suffix}"


def export_main(words: Sequence[str]) -> None:
    """Run ``mnist-export`` with `words` and leave the process."""
    arguments = _parser().parse_args(words)
    run_command(lambda: _run(_job(arguments), as_json=arguments.json))


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="mnist-export",
        description="Export a Keras digit model to files that run on a small device, each proven on real images to "
        "answer as the original does. A file that cannot be proven is refused and not written. "
        "`mnist-export verify` proves a file again, `mnist-export inspect` says what is in it.",
        epilog=EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--version", action="version", version=f"%(prog)s {__version__}")
    Source.add_options(parser, "--model", default="cnn")
    file = parser.add_argument_group("what to make")
    file.add_argument(
        "--format",
        choices=(*FORMATS, "all"),
        default="tflite",
        help=f"default: tflite; all is {' and '.join(EVERY_FORMAT)}",
    )
    file.add_argument(
        "--quantize",
        nargs="?",
        const=Precision.INT8,
        action="append",
        type=_precision,
        metavar="PRECISION",
        help="none (float32), float16, dynamic (int8 weights), int8, int4 (weights) or int16x8 (activations x "
        "weights); int8 if bare, none if absent; may be repeated",
    )
    file.add_argument(
        "--input-dtype", metavar="TYPE", help="of an integer file: uint8 raw pixel, int8 pixel - 128, float32 scaled"
    )
    file.add_argument("--output-dtype", metavar="TYPE", help="of an integer file: uint8, int8, int16 or float32")
    file.add_argument("--target", choices=tuple(TARGETS), help="a device on which each file must load")
    file.add_argument(
        "--output", type=Path, default=Path("exported"), metavar="PATH", help="folder, or one file (default: exported)"
    )
    proof = parser.add_argument_group("how to prove it")
    proof.add_argument(
        "--max-accuracy-drop",
        type=share,
        metavar="SHARE",
        help="share accepted, 0.005 = half a point (default: precision's)",
    )
    proof.add_argument(
        "--calibration-samples",
        type=positive,
        metavar="N",
        help=f"training images that set the integer ranges (default: {CALIBRATION_SAMPLES}, or all there are)",
    )
    proof.add_argument("--seed", type=natural, default=0, metavar="N", help="of the choice of images (default: 0)")
    parser.add_argument(
        "--report", type=Path, metavar="DIR", help="measure and compare: writes report.json and report.html"
    )
    parser.add_argument("--json", action="store_true", help="print one JSON object on stdout")
    return parser


def _precision(text: str) -> Precision:
    if text in ALIASES:
        return ALIASES[text]
    raise argparse.ArgumentTypeError(f"expected one of {', '.join(ALIASES)}, received {text!r}")


def _job(arguments: argparse.Namespace) -> Job:
    job = Job(
        specs=_specs(arguments),
        source=Source.of(arguments),
        output=arguments.output,
        calibration_samples=arguments.calibration_samples,
        seed=arguments.seed,
        target=TARGETS.get(arguments.target),
        report=arguments.report,
    )
    if job.target:
        for spec in job.specs:
            job.target.refuse_spec(spec)
    suffixes = {suffix for row in FORMATS.values() for suffix in (row.suffix, *row.companions)}
    if job.output.suffix in suffixes and not job.output.is_dir() and job.destination(job.specs[0], "") != job.output:
        raise UsageError(
            f"Expected a folder, or a file of the one format asked for, received --output {job.output} for "
            f"{', '.join(f'{spec.format} {spec.precision}' for spec in job.specs)}."
        )
    return job


def _specs(arguments: argparse.Namespace) -> tuple[ExportSpec, ...]:
    """Return every pair that is asked for; of all formats, those that have the precision."""
    precisions = dict.fromkeys(arguments.quantize or [Precision.FLOAT32])  # each once, in the order asked for
    if arguments.format == "all":
        pairs = [(name, p) for name in EVERY_FORMAT for p in precisions if p in FORMATS[name].io_types]
    else:
        pairs = [(arguments.format, precision) for precision in precisions]
    ends = (arguments.input_dtype, arguments.output_dtype)
    return tuple(ExportSpec(name, precision, arguments.max_accuracy_drop, *ends) for name, precision in pairs)


def _run(job: Job, *, as_json: bool) -> int:
    """Export everything the job asks for; one that fails does not keep the others from being made."""
    from mnist_runtime.backends.registry import BACKENDS
    from mnist_runtime.system.atomic import check_output_path

    # What is wrong with a name or a folder is told at once.
    for spec in job.specs:
        destination = job.destination(spec, job.source.name)
        check_output_path(destination)
        for suffix in FORMATS[spec.format].companions:
            check_output_path(destination.with_suffix(suffix))
    if job.report:
        from mnist_exporters.reports.html import REPORT_FILES

        for name in REPORT_FILES:
            check_output_path(job.report / name)
    material = _material(job)
    reports: list[ExportReport] = []
    code = 0
    for outcome in _export_all(job, material):
        report = outcome.report if isinstance(outcome, RefusedError) else outcome
        if isinstance(outcome, ToolkitError):
            failure = report_error(outcome)
            code = code or failure
        if isinstance(report, ExportReport):
            reports.append(report)
            echo(str(report))
            if report.path and not as_json:
                print(report.path)
    if job.report and reports:
        try:
            _compare(job.report, reports, material)
        except ToolkitError as error:  # the files are there all the same
            failure = report_error(error)
            code = code or failure
    on_devices = {row.format for row in BACKENDS.values()}
    if as_json:
        print(json.dumps({"artifacts": [report.as_dict() for report in reports]}, indent=2))
    elif proven := [report for report in reports if report.path and report.format in on_devices]:
        echo(f"classify a picture: mnist-runtime classify --model {proven[-1].path} PICTURE")
    return code


def _material(job: Job) -> Material:
    original, data = job.source.load()
    from mnist_exporters.inputs.calibration import Calibration
    from mnist_exporters.inputs.threshold import confidence_threshold
    from mnist_exporters.proof.parity import Reference

    count = job.calibration_samples or min(CALIBRATION_SAMPLES, len(data.train))
    calibration = Calibration.draw(data.train, count, job.seed)
    threshold = confidence_threshold(original, data.train, job.seed)
    return Material(original, Reference.of(original, data.test), calibration, threshold)


def _export_all(job: Job, material: Material) -> Iterator[ExportReport | ToolkitError]:
    from mnist_exporters.inputs.calibration import Calibration
    from mnist_exporters.pipeline.export import export
    from mnist_trainer.data.load import load_data

    golden_images = Calibration.draw(load_data("digits").test, GOLDEN_IMAGES, seed=0).images
    for spec in job.specs:
        try:
            yield export(
                material.original,
                spec,
                job.destination(spec, material.original.name),
                reference=material.reference,
                calibration=material.calibration,
                golden_images=golden_images,
                threshold=material.threshold,
                target=job.target,
            )
        except ToolkitError as error:
            yield error


def _compare(folder: Path, reports: list[ExportReport], material: Material) -> None:
    """Measure what was made and write and print the comparison."""
    from mnist_exporters.pipeline.stability import stability
    from mnist_exporters.reports.comparison import Candidate, Comparison
    from mnist_exporters.reports.html import write_report
    from mnist_exporters.reports.latency import measure_latency
    from mnist_exporters.reports.table import print_table

    candidates = []
    for report in reports:
        echo(f"measuring {report.format} {report.precision} ...")
        latencies = measure_latency(report.path, report.format) if report.path else ()
        steady = stability(material.original, report, material.reference, material.calibration)
        candidates.append(Candidate(report, latencies, steady))
    comparison = Comparison(material.original, material.reference, tuple(candidates))
    write_report(comparison, folder)
    print_table(comparison)
    echo(f"look at it: {folder / 'report.html'}")

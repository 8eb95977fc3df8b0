"""``mnist-export``: parse, build the specs, export each, print one report.

Nothing but the standard library and the tables is imported until the command runs.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from mnist_exporters.errors import UsageError
from mnist_exporters.formats import FORMATS
from mnist_exporters.original import PIXEL_RANGES
from mnist_exporters.precision import ALIASES, Precision
from mnist_exporters.refused_error import RefusedError
from mnist_exporters.report import ExportReport
from mnist_exporters.spec import ExportSpec
from mnist_runtime import __version__
from mnist_runtime.command import report_error, run_command, say
from mnist_runtime.errors import ToolkitError
from mnist_trainer.cli import DATA_HELP, MODEL_HELP, TRUST_HELP, natural, positive

if TYPE_CHECKING:
    from mnist_trainer.dataset import Splits

__all__ = ["main"]

CALIBRATION_SAMPLES = 500
"""Default number of calibration images; what the ready models lose with it on MNIST is in docs/results.json."""
GOLDEN_IMAGES = 20
"""Test vectors in a file: two of each digit, 6 kB."""

EXAMPLES = """\
examples:
  mnist-export --format tflite --quantize
  mnist-export --format all --quantize none --quantize int8 --output artifacts
  mnist-export --model my-model.keras --data my-digits.npz --format onnx --json

exit codes: 0 done, 1 bug, 2 wrong usage, 3 refused: not proven as good as the original,
            4 a package is missing, 5 bad model file, 6 bad data
"""


@dataclass(frozen=True)
class Job:
    """One run of the command: which files, from which model, proven on which data."""

    specs: tuple[ExportSpec, ...]
    model: str
    trust: bool
    data: str
    output: Path
    pixel_range: str | None
    calibration_samples: int | None
    seed: int

    def destination(self, spec: ExportSpec, name: str) -> Path:
        """Return where the file that `spec` describes goes."""
        suffix = FORMATS[spec.format].suffix
        if len(self.specs) == 1 and self.output.suffix == suffix and not self.output.is_dir():
            return self.output
        return self.output / f"{name}-{spec.precision}{suffix}"


def main() -> None:
    """Run the command line of `sys.argv`."""
    arguments = _parser().parse_args()
    run_command(lambda: _run(_job(arguments), as_json=arguments.json))


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="mnist-export",
        description="Export a Keras digit model to files that run on a small device, each proven on real images to "
        "answer as the original does. A file that cannot be proven is refused and not written.",
        epilog=EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--version", action="version", version=f"%(prog)s {__version__}")
    model = parser.add_argument_group("what to export")
    model.add_argument("--model", default="cnn", metavar="NAME|PATH", help=f"{MODEL_HELP} (default: cnn)")
    model.add_argument("--trust", action="store_true", help=TRUST_HELP)
    model.add_argument("--pixel-range", choices=tuple(PIXEL_RANGES), help="it was trained on (default: measured)")
    file = parser.add_argument_group("what to make")
    file.add_argument("--format", choices=(*FORMATS, "all"), default="tflite", help="default: tflite")
    file.add_argument(
        "--quantize",
        nargs="?",
        const=Precision.INT8,
        action="append",
        type=_precision,
        metavar="PRECISION",
        help="none (float32), float16, dynamic (int8 weights) or int8; int8 if bare, none if absent; may be repeated",
    )
    file.add_argument(
        "--output", type=Path, default=Path("exported"), metavar="PATH", help="folder, or one file (default: exported)"
    )
    proof = parser.add_argument_group("how to prove it")
    proof.add_argument("--data", default="auto", metavar="NAME|PATH", help=DATA_HELP)
    proof.add_argument(
        "--max-accuracy-drop",
        type=_share,
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
    parser.add_argument("--json", action="store_true", help="print one JSON object on stdout")
    return parser


def _precision(text: str) -> Precision:
    if text in ALIASES:
        return ALIASES[text]
    raise argparse.ArgumentTypeError(f"expected one of {', '.join(ALIASES)}, received {text!r}")


def _share(text: str) -> float:
    try:
        return float(text)
    except ValueError:
        raise argparse.ArgumentTypeError(f"expected a share such as 0.005, received {text!r}") from None


def _job(arguments: argparse.Namespace) -> Job:
    formats = tuple(FORMATS) if arguments.format == "all" else (arguments.format,)
    precisions = dict.fromkeys(arguments.quantize or [Precision.FLOAT32])  # each once, in the order asked for
    job = Job(
        specs=tuple(ExportSpec(f, p, arguments.max_accuracy_drop) for f in formats for p in precisions),
        model=arguments.model,
        trust=arguments.trust,
        data=arguments.data,
        output=arguments.output,
        pixel_range=arguments.pixel_range,
        calibration_samples=arguments.calibration_samples,
        seed=arguments.seed,
    )
    suffixes = {row.suffix for row in FORMATS.values()}
    if job.output.suffix in suffixes and not job.output.is_dir() and job.destination(job.specs[0], "") != job.output:
        raise UsageError(
            f"Expected a folder, or a file of the one format asked for, received --output {job.output} for "
            f"{', '.join(f'{spec.format} {spec.precision}' for spec in job.specs)}."
        )
    return job


def _run(job: Job, *, as_json: bool) -> int:
    """Export everything the job asks for; one that fails does not keep the others from being made."""
    from mnist_trainer.datasets import load_data
    from mnist_trainer.model_file import model_name, model_path
    from mnist_trainer.output_file import make_room_for
    from mnist_trainer.tensorflow_import import import_tensorflow

    # What is wrong with a name, a folder or the data is told at once, before TensorFlow takes its seconds.
    path = model_path(job.model)
    for spec in job.specs:
        make_room_for(job.destination(spec, model_name(path)))
    data = load_data(job.data)
    import_tensorflow()
    reports: list[ExportReport] = []
    code = 0
    for outcome in _export_all(job, path, data):
        report = outcome.report if isinstance(outcome, RefusedError) else outcome
        if isinstance(outcome, ToolkitError):
            failure = report_error(outcome)
            code = code or failure
        if isinstance(report, ExportReport):
            reports.append(report)
            say(str(report))
            if report.path and not as_json:
                print(report.path)
    if as_json:
        print(json.dumps({"artifacts": [report.as_dict() for report in reports]}, indent=2))
    elif proven := [report for report in reports if report.path]:
        say(f"classify a picture: mnist-runtime classify --model {proven[-1].path} PICTURE")
    return code


def _export_all(job: Job, path: Path, data: Splits) -> Iterator[ExportReport | ToolkitError]:
    """Load the model once, ask the original once, then export each spec."""
    from mnist_exporters.calibration import Calibration
    from mnist_exporters.export import export
    from mnist_exporters.original import Original
    from mnist_exporters.parity import Reference
    from mnist_trainer.datasets import load_data
    from mnist_trainer.model_digest import model_digest
    from mnist_trainer.model_file import load_model, model_name

    original = Original.adopt(
        load_model(job.model, trust=job.trust),
        data.test,
        name=model_name(path),
        sha256=model_digest(path),
        pixel_range=job.pixel_range,
    )
    origin = "as given" if job.pixel_range else "measured"
    say(f"{original.name}: trained on pixels {original.pixel_range} ({origin})")
    reference = Reference.of(original, data.test)
    count = job.calibration_samples or min(CALIBRATION_SAMPLES, len(data.train))
    calibration = Calibration.draw(data.train, count, job.seed)
    golden_images = Calibration.draw(load_data("digits").test, GOLDEN_IMAGES, seed=0).images
    for spec in job.specs:
        try:
            yield export(
                original,
                spec,
                job.destination(spec, original.name),
                reference=reference,
                calibration=calibration,
                golden_images=golden_images,
            )
        except ToolkitError as error:
            yield error

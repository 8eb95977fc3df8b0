"""Export every ready model in every format and precision, and write the tables of the results.

Writes exports.md, models.md and data/exports.json in docs/results, and the table of README.md. Needs data/seeds.json
there.
"""

from __future__ import annotations

import argparse
import json
import re
import statistics
import tempfile
from collections.abc import Sequence
from typing import Any

from mnist_exporters import FORMATS, Precision
from mnist_exporters.targets.interpreters import INTERPRETERS
from mnist_tools.checkout import ROOT, ToolError, command, output_of
from mnist_trainer import ARCHITECTURES, READY_MODELS, architecture

__all__ = ["exports_table", "main", "models_page", "models_table", "spread", "summary_table"]

ALONE = tuple(name for name, row in FORMATS.items() if row.extra)
"""Formats that need an extra, which ``--format all`` leaves out."""
CHANGING = ("path", "seconds", "seconds_converting")
"""Fields that differ from run to run."""
OTHERS = ("scikit-learn's digits", "pen, other shapes")
"""Domains of `mnist-evaluate --domains` that the table of models shows."""
COLUMNS = """\
* *float %* is the Keras model, *int8 %* the `.tflite` file run by the runtime: per cent of MNIST's test images right,
  mean ± standard deviation over the seeds.
* *corrupted %* is the int8 file's mean over fifteen image corruptions.
* *AUROC* is the chance that it is more confident of a digit than of a picture without one.
* *others' digits %* are its accuracies on scikit-learn's 1,797 digits and on digits of a simulated pen in shapes that
  no training uses.
* *µs* is the time of one image in LiteRT on the machine that measured, Python included.

Ten sigmoids trained as in the tutorials tie in steps of 1/256 (95.05 % right), so the int8 files of `dense-100` and
`flatten-100` give logits, to which the runtime applies the sigmoid. `scripts/tool release seeds` trains and
measures."""

EXPORTED = """\
*exported* is what `classify` answers: an image without an answer, because the confidence is below the file's threshold,
counts as wrong. *same* counts it too."""

Row = dict[str, Any]


def measure(model: str) -> list[Row]:
    """Export one model in each format and precision and return the reports. Refused exports are included."""
    artifacts: list[Row] = []
    for format in ("all", *ALONE):
        precisions = Precision if format == "all" else FORMATS[format].io_types
        quantize = " ".join(f"--quantize {'none' if p == 'float32' else p.value}" for p in precisions)
        line = f"mnist-export --model {model} --data mnist --format {format} {quantize} --json"
        with tempfile.TemporaryDirectory() as folder:
            printed = output_of(command(line, "--output", folder), allowed=(0, 3))
        artifacts += json.loads(printed)["artifacts"]
    return [
        {"model": model} | {key: value for key, value in artifact.items() if key not in CHANGING}
        for artifact in artifacts
    ]


def export_line(artifact: Row) -> str:
    """Return the table line of one export."""
    proof = artifact["parity"]
    sizes = f"{artifact['size_bytes'] / 1000:.1f} | {artifact['model_bytes'] / 1000:.1f}"
    loads = ", ".join(INTERPRETERS[name].since for name in artifact["loads_on"])
    verdict = "proven" if proof["passed"] else "refused"
    return (
        f"| `{artifact['model']}` | {artifact['format']} {artifact['precision']} | {sizes} | "
        f"{proof['accuracy_original']:.2%} | {proof['accuracy_exported']:.2%} | "
        f"{proof['drop_upper_95'] * 100:.2f} | {proof['agreement']:.2%} | {verdict} | {loads} |"
    )


def exports_table(artifacts: list[Row]) -> str:
    """Return a Markdown table of exports."""
    sizes, loss = "file kB | model kB", "points lost, at most (95 %)"
    heads = f"| model | export | {sizes} | original | exported | {loss} | same | | loads |"
    return "\n".join([heads, "|---|---|--:|--:|--:|--:|--:|--:|---|---|", *map(export_line, artifacts)])


def spread(values: list[float]) -> str:
    """Return the mean of fractions in per cent, with the standard deviation if there are several."""
    mean = statistics.mean(values) * 100
    return f"{mean:.2f} ± {statistics.stdev(values) * 100:.2f}" if len(values) > 1 else f"{mean:.2f}"


def others_cell(rows: list[Row], unit: str = "") -> str:
    """Return the mean accuracy on scikit-learn's digits and on held-out pen digits, of the rows that have it."""
    measured = [row["domains"]["accuracy"] for row in rows if "domains" in row]
    means = [statistics.mean(each[name] for each in measured) for name in OTHERS if measured]
    return ", ".join(f"{mean * 100:.1f}{unit}" for mean in means) or "-"


def model_line(rows: list[Row]) -> str:
    """Return the table line of one architecture, trained from one or several seeds. A refused export has no size."""
    first = rows[0]
    proven = [row for row in rows if row["proven"]]
    found = [row["robustness"] for row in proven]
    cells = [
        f"`{first['architecture']}`",
        f"{first['parameters']:,}",
        f"{first['macs'] / 1e6:.2f}",
        f"{max(row['model_bytes'] for row in proven) / 1000:.1f}" if proven else "-",
        str(len(rows)),
        spread([row["float_accuracy"] for row in rows]),
        spread([row["int8_accuracy"] for row in rows]) + ("" if proven else ", refused"),
        spread([each["mean_accuracy"] for each in found]) if found else "-",
        f"{statistics.mean(each['mean_auroc'] for each in found):.3f}" if found else "-",
        others_cell(proven),
        f"{first['p50_us']:.0f}" if "p50_us" in first else "-",
        architecture(first["architecture"]).summary,
    ]
    return f"| {' | '.join(cells)} |"


def models_table(rows: list[Row]) -> str:
    """Return a Markdown table of the costs and accuracies of the architectures."""
    sizes = "parameters | MMACs | int8 model kB"
    heads = f"| architecture | {sizes} | seeds | float % | int8 % | corrupted % | AUROC | others' digits % | µs | |"
    by_name = {name: [row for row in rows if row["architecture"] == name] for name in ARCHITECTURES}
    lines = [model_line(found) for found in by_name.values() if found]
    return "\n".join([heads, "|---|--:|--:|--:|--:|--:|--:|--:|--:|--:|--:|---|", *lines])


def models_page(rows: list[Row]) -> str:
    """Return the page of the architectures."""
    above = "Every architecture of `mnist-train`, trained with its own recipe."
    return f"# Models\n\n{above}\n\n{models_table(rows)}\n\n{COLUMNS}\n"


def summary_line(artifact: Row, rows: list[Row]) -> str:
    """Return the line of one ready model: its int8 file, and what was measured of it with its seed."""
    name, proof = artifact["model"], artifact["parity"]
    robust = statistics.mean(row["robustness"]["mean_accuracy"] for row in rows)
    time = statistics.median(row["p50_us"] for row in rows)
    return (
        f"| `{name}` | {artifact['size_bytes'] / 1000:.0f} kB | {proof['accuracy_original']:.2%} | "
        f"{proof['accuracy_exported']:.2%} | {proof['drop_upper_95'] * 100:.2f} | {others_cell(rows, '%')} | "
        f"{robust:.1%} | {time:.0f} µs | {architecture(name).summary} |"
    )


def summary_table(artifacts: list[Row], rows: list[Row]) -> str:
    """Return the Markdown table of README.md: the int8 ``.tflite`` files of the ready models.

    Raises
    ------
    ToolError
        If the time of one image is not measured.
    """
    if untimed := sorted({row["architecture"] for row in rows if row["proven"] and "p50_us" not in row}):
        raise ToolError(
            f"The time of one image of {', '.join(untimed)} is not measured. "
            "Measure it on an idle machine with: scripts/tool release seeds --latency"
        )
    accuracies = "original | file right | points lost, at most (95 %) | others' digits | corrupted images"
    heads = f"| model | file | {accuracies} | one image | |"
    chosen = [each for each in artifacts if (each["format"], each["precision"]) == ("tflite", "int8")]
    lines = [summary_line(each, [row for row in rows if row["architecture"] == each["model"]]) for each in chosen]
    return "\n".join([heads, "|---|--:|--:|--:|--:|--:|--:|--:|---|", *lines])


def intro(images: int) -> str:
    """Return the sentence above the tables of exports."""
    return (
        f"Measured on all {images:,} test images of MNIST with the code that runs on the device, by "
        "`scripts/tool release results`."
    )


def replace_in_readme(name: str, text: str) -> None:
    """Write `text` between the two comments of `name` in README.md."""
    readme = ROOT / "README.md"
    marked = re.compile(rf"(<!-- {name}: .*?-->\n).*?(<!-- end of {name} -->)", re.DOTALL)
    written, found = marked.subn(lambda match: f"{match[1]}{text}\n{match[2]}", readme.read_text())
    if found != 1:
        raise ToolError(f"README.md lacks the two comments around the {name}. Restore them.")
    readme.write_text(written)


def main(argv: Sequence[str] | None = None) -> int:
    """Measure, then write the tables."""
    parser = argparse.ArgumentParser(prog="scripts/tool release results", description=__doc__)
    parser.add_argument("--tables", action="store_true", help="only write the tables, from data/exports.json")
    parser.add_argument(
        "models", nargs="*", metavar="MODEL", help="measure these again, keep the others (default: all)"
    )
    arguments = parser.parse_args(argv)
    data = ROOT / "docs" / "results" / "data"
    results = data / "exports.json"
    if unknown := sorted(set(arguments.models) - set(READY_MODELS)):
        parser.error(f"{', '.join(unknown)}: no ready model. Choose from {', '.join(READY_MODELS)}.")
    if arguments.tables and arguments.models:
        parser.error("--tables measures nothing. Leave out the models, or --tables.")
    wanted = () if arguments.tables else tuple(arguments.models) or tuple(READY_MODELS)
    artifacts = [] if set(wanted) == set(READY_MODELS) else json.loads(results.read_text())
    if wanted:
        kept = [artifact for artifact in artifacts if artifact["model"] not in wanted]
        found = kept + [artifact for model in wanted for artifact in measure(model)]
        artifacts = sorted(found, key=lambda artifact: READY_MODELS.index(artifact["model"]))
        results.write_text(json.dumps(artifacts, indent=1) + "\n")
    above = intro(artifacts[0]["parity"]["images"])
    rows = json.loads((data / "seeds.json").read_text())
    replace_in_readme("results", f"{above}\n\n{summary_table(artifacts, rows)}")
    page = f"# Exports of all ready models\n\n{above}\n\n{EXPORTED}\n\n{exports_table(artifacts)}\n"
    (data.parent / "exports.md").write_text(page)
    (data.parent / "models.md").write_text(models_page(rows))
    return 0

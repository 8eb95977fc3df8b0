"""Pages made from the tables in the code: exit codes, formats and precisions, targets and interpreters."""

from __future__ import annotations

import importlib
from collections.abc import Iterator

from mnist_exporters.spec.format import FORMATS
from mnist_exporters.spec.package_kind import PACKAGE_KINDS
from mnist_exporters.spec.precision import ALIASES, PACKAGES, TOLERANCES, Precision
from mnist_exporters.targets.devices import TARGETS
from mnist_exporters.targets.interpreters import INTERPRETERS
from mnist_runtime import BACKENDS, ToolkitError
from mnist_tools.docs.markdown import table

__all__ = ["fact_pages"]

WITH_ERRORS = ("mnist_runtime.errors", "mnist_trainer.errors", "mnist_exporters.errors", "mnist_exporters.proof.report")
"""Modules that define errors."""

SIGNALS = {129: "SIGHUP", 130: "Ctrl-C", 141: "stdout was closed", 143: "SIGTERM"}
"""Exit code of `mnist_runtime.system.command.run_command` -> what ended the command."""


def fact_pages() -> dict[str, str]:
    """Return the pages by their place in the site."""
    return {
        "reference/formats.md": _formats(),
        "reference/targets.md": _targets(),
        "reference/exit-codes.md": _exit_codes(),
    }


def _errors(base: type[ToolkitError]) -> Iterator[type[ToolkitError]]:
    for kind in base.__subclasses__():
        if kind.__module__ in WITH_ERRORS:
            yield kind
        yield from _errors(kind)


def _exit_codes() -> str:
    for name in WITH_ERRORS:
        importlib.import_module(name)
    kinds = sorted(set(_errors(ToolkitError)), key=lambda kind: (kind.exit_code, kind.__name__))
    rows = [[0, "", "Done.", ""], [1, "", "An unexpected error: a bug. Please report it.", ""]]
    for kind in kinds:
        page = f"[{kind.page.partition('#')[0]}](../{kind.page})" if kind.page else ""
        rows.append([kind.exit_code, f"`{kind.__name__}`", (kind.__doc__ or "").partition("\n")[0], page])
    rows += [[code, "", f"Ended by: {text}.", ""] for code, text in SIGNALS.items()]
    return (
        "# Exit codes\n\nThe exit code of every command, and the error that a function raises in its place.\n\n"
        f"{table(['code', 'error', 'meaning', 'help'], rows)}\n\n"
        "All errors derive from `mnist_runtime.ToolkitError`; `error.exit_code` is the code. Results go to stdout, "
        "messages to stderr: a line that begins with `error:`, `warning:` or `note:`.\n"
    )


def _formats() -> str:
    rows = []
    for name, row in FORMATS.items():
        for precision, types in row.io_types.items():
            extras = [extra for extra in (row.extra, precision if precision in PACKAGES else None) if extra]
            cells = [" or ".join(kinds) for kinds in (types.inputs, types.outputs)]
            rows.append([f"`{name}`", f"`{precision}`", *cells, ", ".join(f"`{extra}`" for extra in extras)])
    formats = [
        [
            f"`{name}`",
            ", ".join(f"`{suffix}`" for suffix in (row.tag + row.suffix, *row.companions)),
            " or ".join({"keras": "Keras", "onnx": "ONNX"}[source] for source in row.sources),
            ", ".join(each.since for each in INTERPRETERS.values() if name in each.formats),
        ]
        for name, row in FORMATS.items()
    ]
    precisions = []
    for precision in Precision:
        aliases = ", ".join(f"`{alias}`" for alias, kind in ALIASES.items() if kind is precision and alias != precision)
        calibrated = "yes" if precision.is_calibrated else "no"
        precisions.append([f"`{precision}`", aliases, f"{100 * TOLERANCES[precision]:g}", calibrated])
    packages = [[f"`{name}`", kind.title, f"`{kind.format}`"] for name, kind in PACKAGE_KINDS.items()]
    return "\n\n".join(
        [
            "# Formats and precisions",
            "What `--format`, `--quantize` and `--package` take, and the number types of the files.",
            "## Formats",
            table(["`--format`", "files", "made from a model of", "run by, or newer"], formats),
            "## Precisions",
            table(["`--quantize`", "also", "points of accuracy it may lose", "calibrated"], precisions),
            "`--max-accuracy-drop` sets another limit. `none` is float32.",
            "## Input and output types",
            table(["format", "precision", "input", "output", "needs the extra"], rows),
            "The first type is the default. `uint8` is the raw pixel, `int8` the pixel minus 128, `float32` the pixel "
            "scaled to the range that the original was trained on.",
            "## Packages",
            table(["`--package`", "what", "format"], packages),
        ]
    )


def _targets() -> str:
    targets = []
    for name, row in TARGETS.items():
        formats = dict.fromkeys(format for each in row.interpreters for format in INTERPRETERS[each].formats)
        targets.append([f"`{name}`", row.summary, ", ".join(row.interpreters), ", ".join(formats)])
    backends = []
    for name, backend in BACKENDS.items():
        machines = "any" if backend.extra is None else ", ".join(backend.machines)
        newest = "" if backend.extra is None else ".".join(map(str, backend.newest_python))
        extra = f"`{backend.extra}`" if backend.extra else "none"
        needs = f"`{backend.package}{backend.versions}`" if backend.extra else "NumPy"
        precisions = ", ".join(backend.precisions) or "all"
        backends.append([f"`{name}`", backend.format, precisions, extra, needs, machines, newest])
    head = ["`--backend`", "format", "precisions", "extra", "package", "machines with wheels", "newest Python"]
    return "\n\n".join(
        [
            "# Targets and interpreters",
            "The devices of `--target`, and the interpreters of `mnist-runtime --backend`.",
            "## Targets",
            table(["`--target`", "device", "interpreters", "formats"], targets),
            "`--target` rejects a file that none of these interpreters loads.",
            "## Interpreters of mnist-runtime",
            table(head, backends),
            "The first that works is taken. `mnist-runtime doctor` shows which do.",
        ]
    )

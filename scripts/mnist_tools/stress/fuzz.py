"""Fuzz what the runtime itself reads, guided by coverage, with Google's fuzzer Atheris.

Each input is answered, refused with a message of one line, or a failure: a crash, an end of the process, more than 25
seconds or 2 GB, or an answer that cannot be right. Failures are kept in a folder. With ``--write``, the figures of the
run go into fuzzing.md and data/fuzzing.json in docs/results; with ``--keep``, inputs that reach new code go into the
corpus.
"""

from __future__ import annotations

import argparse
import importlib.util
import json
import subprocess
import tempfile
import time
import zipfile
from collections.abc import Sequence
from importlib import metadata
from pathlib import Path
from typing import Any

from mnist_tools.checkout import ROOT, ToolError, environment, module
from mnist_tools.stress.fuzzing.readers import READERS
from mnist_tools.stress.fuzzing.seeds import CORPUS, kept
from mnist_tools.stress.fuzzing.tally import Tally

__all__ = ["fuzz", "main", "page"]

SECONDS, MEGABYTES = 25, 2048
"""Time and memory allowed for one input."""
MOST_KEPT, LARGEST_CORPUS = 60, 30_000
"""Inputs and bytes of a corpus in the repository."""


def fuzz(name: str, seconds: float, seed: int, folder: Path) -> dict[str, Any]:
    """Fuzz a reader.

    Parameters
    ----------
    name : str
        A key of `READERS`.
    seconds : float
        Time, without the start of the process.
    seed : int
        Seed of the mutations; 0 for a random one.
    folder : Path
        A folder for the corpus and the findings.

    Returns
    -------
    dict
        Number of inputs by outcome, ``tried``, ``seconds`` and ``findings``, the names of files in ``findings/``.
    """
    corpus, findings = folder / "corpus", folder / "findings"
    for path in (corpus, findings):
        path.mkdir(parents=True, exist_ok=True)
    for number, content in enumerate([*READERS[name].seeds(), *kept(name)]):
        (corpus / f"seed-{number:03}").write_bytes(content)
    tally = Tally.open(folder / "tally")
    began = time.monotonic()
    while (left := seconds - (time.monotonic() - began)) > 1:
        if _run(name, left, seed, folder) == 0:
            break
        tally.add("crashed")  # the process ended; libFuzzer has kept the input
    counts = tally.counts()
    return {
        "tried": sum(counts.values()),
        **counts,
        "seconds": round(time.monotonic() - began),
        "findings": sorted(path.name for path in findings.iterdir()),
    }


def _run(name: str, seconds: float, seed: int, folder: Path) -> int:
    """Run libFuzzer in a process until the time is over or an input ends it; return its exit code."""
    options = [
        f"-max_total_time={max(1, int(seconds))}",
        f"-timeout={SECONDS}",
        f"-rss_limit_mb={MEGABYTES}",
        f"-max_len={READERS[name].longest}",
        f"-artifact_prefix={folder / 'findings'}/",
        "-print_final_stats=0",
        "-verbosity=0",
        "-detect_leaks=0",
        *([f"-seed={seed}"] if seed else []),
    ]
    words = module(
        "mnist_tools.stress.fuzzing._child", name, folder / "tally", folder / "findings", *options, folder / "corpus"
    )
    places = environment(TMPDIR=str(folder), OPENCV_LOG_LEVEL="OFF", OPENCV_FFMPEG_LOGLEVEL="-8")
    with (folder / "log").open("ab") as log:
        return subprocess.run(words, env=places, stdout=log, stderr=log, check=False).returncode


def keep(name: str, folder: Path) -> int:
    """Write the smallest inputs that reached new code into the corpus in the repository; return their number."""
    found = sorted(
        (path.read_bytes() for path in (folder / "corpus").iterdir()), key=lambda content: (len(content), content)
    )
    known = set(READERS[name].seeds())
    size, chosen = 0, list[bytes]()
    for content in found:
        if content not in known and len(chosen) < MOST_KEPT and size + len(content) <= LARGEST_CORPUS:
            chosen.append(content)
            size += len(content)
    CORPUS.mkdir(exist_ok=True)
    with zipfile.ZipFile(CORPUS / f"{name}.zip", "w", zipfile.ZIP_DEFLATED) as archive:
        for number, content in enumerate(chosen):
            archive.writestr(zipfile.ZipInfo(f"{number:03}"), content)
    return len(chosen)


def page(rows: dict[str, dict[str, Any]]) -> str:
    """Return the page docs/results/fuzzing.md."""
    lines = [
        "# Fuzzing of what the runtime reads",
        "",
        "Written by `scripts/tool stress fuzz READER --minutes N --write`. Inputs are varied by Atheris, guided by the",
        "coverage of the runtime's code. Refused: an error of the toolkit with a message of one line. Silently wrong:",
        "an answer that fails the check in the second column.",
        "",
        "| reader | what is read, and the check | tried | answered | refused | crashed | silently wrong | minutes |",
        "|---|---|--:|--:|--:|--:|--:|--:|",
    ]
    for name in READERS:
        if row := rows.get(name):
            counts = " | ".join(f"{row[key]:,}" for key in ("tried", "answered", "refused", "crashed", "wrong"))
            lines.append(f"| {name} | {READERS[name].summary} | {counts} | {row['seconds'] / 60:.1f} |")
    return "\n".join(lines) + "\n"


def write(name: str, found: dict[str, Any], *, add: bool = False) -> None:
    """Write the figures of a run into docs/, or add them to those of earlier runs."""
    results = ROOT / "docs" / "results"
    path = results / "data" / "fuzzing.json"
    rows = json.loads(path.read_text()) if path.exists() else {}
    if add and name in rows:
        found = {key: rows[name][key] + value for key, value in found.items()}
    rows[name] = {**found, "atheris": metadata.version("atheris")}
    path.write_text(json.dumps(dict(sorted(rows.items())), indent=1) + "\n")
    (results / "fuzzing.md").write_text(page(rows))


def main(argv: Sequence[str] | None = None) -> int:
    """Fuzz, print the figures, and return 1 after a failure."""
    parser = argparse.ArgumentParser(prog="scripts/tool stress fuzz", description=__doc__)
    parser.add_argument("reader", choices=READERS, help="what is fuzzed")
    parser.add_argument("--minutes", type=float, default=60, metavar="N", help="time (default: 60)")
    parser.add_argument("--seed", type=int, default=0, help="seed of the mutations (default: another each time)")
    parser.add_argument("--folder", type=Path, help="where corpus and findings are kept (default: a temporary folder)")
    parser.add_argument("--write", action="store_true", help="write the figures into docs/")
    parser.add_argument("--add", action="store_true", help="with --write: add them to the figures there")
    parser.add_argument("--keep", action="store_true", help="write inputs that reached new code into the corpus")
    arguments = parser.parse_args(argv)
    if importlib.util.find_spec("atheris") is None:
        raise ToolError("Fuzzing needs Atheris. Install it with: .venv/bin/python -m pip install -e '.[fuzz]'")
    folder = arguments.folder or Path(tempfile.mkdtemp(prefix=f"fuzz-{arguments.reader}-"))
    folder.mkdir(parents=True, exist_ok=True)
    found = fuzz(arguments.reader, 60 * arguments.minutes, arguments.seed, folder.absolute())
    for key, value in found.items():
        print(f"{key:10}{value:,}" if isinstance(value, int) else f"{key:10}{len(value)} in {folder / key}")
    if arguments.keep:
        print(f"corpus    {keep(arguments.reader, folder)} inputs")
    if arguments.write:
        write(arguments.reader, found, add=arguments.add)
    return int(found["crashed"] + found["wrong"] > 0 or found["tried"] == 0)

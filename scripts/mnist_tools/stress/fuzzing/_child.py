"""Fuzz one reader: ``python -m mnist_tools.stress.fuzzing._child READER TALLY FINDINGS [libFuzzer's options] CORPUS``.

The code that reads is instrumented, so that inputs that reach new code are kept and varied further.
"""

from __future__ import annotations

import hashlib
import sys
import warnings
from pathlib import Path

import atheris

from mnist_tools.stress.fuzzing.tally import Tally

MOST_FINDINGS = 20
"""Inputs that are kept for a run."""
ALL = ("mnist_runtime",)
INSTRUMENTED = {
    "pictures": (
        "PIL",
        "mnist_runtime.preprocess.bounds",
        "mnist_runtime.preprocess.decode",
        "mnist_runtime.preprocess.other_files",
        "mnist_runtime.preprocess.pixels",
    )
}
"""Reader -> modules, if not `ALL`: the search for ink in a picture has many paths, but reads no file."""


def main(words: list[str]) -> None:
    """Run libFuzzer; it ends the process."""
    name, tally_path, findings, *options = words[1:]
    modules = [*INSTRUMENTED.get(name, ALL)]
    with atheris.instrument_imports(include=modules, enable_loader_override=False):
        from mnist_tools.stress.fuzzing.readers import READERS
    reader, tally, folder = READERS[name], Tally.open(Path(tally_path)), Path(findings)
    warnings.simplefilter("ignore")

    def one_input(content: bytes) -> None:
        outcome, problem = tally.count(reader, content)
        if problem is not None and sum(1 for _ in folder.iterdir()) < MOST_FINDINGS:
            stem = f"{outcome}-{type(problem).__name__}-{hashlib.sha256(content).hexdigest()[:12]}"
            (folder / stem).write_bytes(content)
            (folder / f"{stem}.txt").write_text(repr(problem))

    atheris.Setup([words[0], *options], one_input)
    atheris.Fuzz()


if __name__ == "__main__":
    main(sys.argv)

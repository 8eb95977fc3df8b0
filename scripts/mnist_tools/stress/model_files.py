"""Corrupt the ready model files and check that the runtime rejects each, or runs it in bounded time and memory.

There are four levels, the rows of `LEVELS`. On the first, the file no longer matches its digest and must be rejected.
On the others the digest is corrected, as an attacker would do: a corrupted model, a corrupted archive behind the model
and a corrupted manifest. There a harmless file may be accepted.
"""

from __future__ import annotations

import argparse
import copy
import faulthandler
import hashlib
import io
import json
import resource
import subprocess
import sys
import tempfile
import warnings
import zipfile
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from random import Random
from typing import Any

import numpy as np

import mnist_runtime
from mnist_runtime import BACKENDS, Classifier, ToolkitError, UsageError, self_test
from mnist_runtime.artifact.container import DIGEST_LENGTH, GOLDEN_IMAGES_ENTRY, GOLDEN_SCORES_ENTRY, MANIFEST_ENTRY
from mnist_runtime.errors import ArtifactError, UnsealedError
from mnist_tools.checkout import environment
from mnist_tools.stress.mutations import MUTATIONS, mutated

__all__ = ["LEVELS", "Ready", "archive_of", "damaged", "entries_of", "examine", "main", "resealed"]

MODELS = Path(mnist_runtime.__file__).parent / "models"
SECONDS = 30
"""Time, in seconds, within which a file must be rejected or run; generous, for busy machines."""
MEGABYTES = 256
"""Largest allowed growth of memory in MB, over all files together."""
ENTRIES = (MANIFEST_ENTRY, GOLDEN_IMAGES_ENTRY, GOLDEN_SCORES_ENTRY)


@dataclass(frozen=True)
class Ready:
    """A ready model file and its parts.

    Parameters
    ----------
    content : bytes
        The whole file.
    model, archive : bytes
        The model that an interpreter loads, and the zip archive behind it, with the digest.
    """

    content: bytes
    model: bytes
    archive: bytes

    @classmethod
    def read(cls, format: str) -> Ready:
        """Read the ready model of a format, such as ``"tflite"``."""
        content = (MODELS / f"cnn-int8.{format}").read_bytes()
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            start = archive.infolist()[0].header_offset
        return cls(content, content[:start], content[start:])


def resealed(content: bytes) -> bytes:
    """Replace the last 64 bytes of `content` by the right digest."""
    body = content[:-DIGEST_LENGTH]
    return body + hashlib.sha256(body).hexdigest().encode()


def archive_of(entries: dict[str, bytes], method: int = zipfile.ZIP_DEFLATED) -> bytes:
    """Return a zip archive with room for the digest at its end."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for name, content in entries.items():
            archive.writestr(zipfile.ZipInfo(name), content, method)  # dated 1980, so that the bytes are reproducible
        archive.comment = b"0" * DIGEST_LENGTH
    return buffer.getvalue()


def entries_of(archive: bytes) -> dict[str, bytes]:
    """Return the name and content of each entry of a zip archive."""
    with zipfile.ZipFile(io.BytesIO(archive)) as opened:
        return {name: opened.read(name) for name in opened.namelist()}


def damaged_file(random: Random, kind: str, file: Ready, other: Ready) -> bytes:
    """Corrupt the file anywhere."""
    return mutated(random, kind, file.content, other.content)


def damaged_model(random: Random, kind: str, file: Ready, other: Ready) -> bytes:
    """Corrupt the model, up to four times, and correct the digest."""
    model = file.model
    for _ in range(random.choice((1, 1, 2, 4))):
        model = mutated(random, kind, model, other.model)
    return resealed(model + file.archive)


def damaged_archive(random: Random, kind: str, file: Ready, other: Ready) -> bytes:
    """Corrupt the archive or one of its entries, and correct the digest."""
    if random.random() < 0.5:
        return resealed(file.model + mutated(random, kind, file.archive[:-DIGEST_LENGTH], other.archive) + bytes(64))
    entries, name = entries_of(file.archive), random.choice(ENTRIES)
    entries[name] = mutated(random, kind, entries[name], entries_of(other.archive)[random.choice(ENTRIES)])
    return resealed(file.model + archive_of(entries))


VALUES: dict[str, Any] = {
    "null": None,
    "true": True,
    "a string": "seven",
    "a string with a control character": "\a",
    "a lone surrogate": "\ud800",
    "a long string": "7" * 10_000,
    "minus one": -1,
    "an integer too large for a float": 10**400,
    "not a number": float("nan"),
    "infinity": float("inf"),
    "a tiny number": 5e-324,
    "an empty list": [],
    "a list of lists": [[0]] * 10,
    "a shape of other images": [None, 128, 128, 3],
    "a thousand strings": [f"class {number}" for number in range(1000)],
    "an empty object": {},
    "another preparation": {"kind": "plain"},
    "an object": {"dtype": "object", "scale": 1e308, "offset": -1e308, "backend": 7},
}
"""Name -> value that replaces a field of a manifest."""


def damaged_manifest(random: Random, kind: str, file: Ready, _: Ready) -> bytes:
    """Replace one to three fields, at any depth, by the value `kind`, or remove them."""
    entries = entries_of(file.archive)
    facts = json.loads(entries[MANIFEST_ENTRY])
    for _turn in range(random.randint(1, 3)):
        place: Any = facts
        key = random.choice(list(facts))
        while key in place and isinstance(place[key], dict) and place[key] and random.random() < 0.5:
            place = place[key]
            key = random.choice(list(place))
        if kind == "removed":
            place.pop(key, None)
        else:
            place[key] = copy.deepcopy(VALUES[kind])
    entries[MANIFEST_ENTRY] = json.dumps(facts).encode()
    return resealed(file.model + archive_of(entries))


@dataclass(frozen=True)
class Level:
    """One row of `LEVELS`.

    Parameters
    ----------
    damage : callable
        Function of a random generator, a kind, a file and another file, to the corrupted file.
    kinds : tuple of str
        Kinds of corruption.
    may_answer : bool
        Whether a corrupted file may be accepted.
    backends : tuple of str
        Backends that are tested. Only ``numpy`` checks a model whose digest is right; the other interpreters trust it.
    """

    damage: Callable[[Random, str, Ready, Ready], bytes]
    kinds: tuple[str, ...]
    may_answer: bool
    backends: tuple[str, ...]


LEVELS: dict[str, Level] = {
    "file": Level(damaged_file, tuple(MUTATIONS), False, tuple(BACKENDS)),
    "model, resealed": Level(damaged_model, tuple(MUTATIONS), True, ("numpy",)),
    "archive, resealed": Level(damaged_archive, tuple(MUTATIONS), True, ("numpy",)),
    "manifest, resealed": Level(damaged_manifest, (*VALUES, "removed"), True, ("numpy",)),
}
"""Name -> level of corruption."""


def damaged(level: str, backend: str, seed: int, number: int) -> tuple[str, bytes]:
    """Return the kind and the bytes of corrupted file `number`; the same for the same arguments."""
    row, random = LEVELS[level], Random(f"{level} {backend} {seed} {number}")
    format = BACKENDS[backend].format
    file, other = Ready.read(format), Ready.read("tflite" if format == "onnx" else "onnx")
    kind = row.kinds[number % len(row.kinds)]
    return kind, row.damage(random, kind, file, other)


def outcome(content: bytes, backend: str, path: Path) -> str:
    """Write `content` to `path`, load it and classify; return which check rejected it, or ``"answers"``.

    Raises
    ------
    Exception
        Any exception other than an `ArtifactError`, or a `UsageError` about the format or precision.
    """
    path.write_bytes(content)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            classifier = Classifier.load(path, backend=backend)
            classifier.predict(np.zeros((3, 28, 28), np.uint8))
            self_test(path, backend=backend)
    except UnsealedError:
        return "no digest"
    except ArtifactError as error:
        return "digest differs" if resealed(content) != content else _raised_in(error)
    except UsageError as error:  # the manifest names a format or precision that this backend does not run
        if not (place := _raised_in(error)).endswith(".choose_backend"):
            raise
        return place
    return "answers"


def _raised_in(error: ToolkitError) -> str:
    """Return the module and function in which the first error of the chain was raised."""
    first: BaseException = error
    while isinstance(first.__cause__, ArtifactError):
        first = first.__cause__
    place = first.__traceback__
    assert place is not None
    while place.tb_next:
        place = place.tb_next
    return f"{Path(place.tb_frame.f_code.co_filename).stem}.{place.tb_frame.f_code.co_name}"


def examine(level: str, backend: str, seed: int, count: int) -> tuple[Counter[tuple[str, str]], list[str]]:
    """Try `count` corrupted files.

    Returns
    -------
    outcomes : Counter
        Number of files for each kind and outcome.
    failures : list of str
        Descriptions of forbidden outcomes.
    """
    outcomes: Counter[tuple[str, str]] = Counter()
    failures = []
    with tempfile.TemporaryDirectory() as folder:
        for number in range(count):
            faulthandler.dump_traceback_later(SECONDS, exit=True)
            kind, content = damaged(level, backend, seed, number)
            try:
                found = outcome(content, backend, Path(folder) / f"damaged.{BACKENDS[backend].format}")
            except Exception as error:
                found = type(error).__name__
                failures.append(f"{level}, {backend}, number {number}, {kind}: {found}: {error}")
            faulthandler.cancel_dump_traceback_later()
            if found == "answers" and not LEVELS[level].may_answer:
                failures.append(f"{level}, {backend}, number {number}, {kind}: accepted")
            outcomes[kind, found] += 1
    return outcomes, failures


def _child(level: str, backend: str, seed: int, count: int) -> int:
    """Examine, and print the result as JSON."""
    Classifier.load(backend=backend).predict(np.zeros((3, 28, 28), np.uint8))
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    outcomes, failures = examine(level, backend, seed, count)
    grown = (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) / 1024
    if grown > MEGABYTES:
        failures.append(f"{level}, {backend}: memory grew by {grown:.0f} MB, but {MEGABYTES} MB are allowed")
    rows = [[*key, count] for key, count in outcomes.items()]
    json.dump({"seen": rows, "failures": failures, "grown": grown}, sys.stdout)
    return 0


def main(argv: Sequence[str] | None = None) -> int:
    """Print the outcomes for each level and backend; return 1 after a forbidden outcome or if a process died."""
    parser = argparse.ArgumentParser(prog="scripts/tool stress model-files", description=__doc__)
    parser.add_argument(
        "count", nargs="?", type=int, default=20_000, help="files per level and backend (default: 20000)"
    )
    parser.add_argument("seed", nargs="?", type=int, default=0, help="seed of the corruptions (default: 0)")
    parser.add_argument("--level", choices=LEVELS, help="only this level")
    parser.add_argument("--child", metavar="BACKEND", help=argparse.SUPPRESS)
    arguments = parser.parse_args(argv)
    if arguments.child:
        return _child(arguments.level, arguments.child, arguments.seed, arguments.count)
    failed = 0
    for level in [arguments.level] if arguments.level else LEVELS:
        for backend in LEVELS[level].backends:
            command = [sys.executable, "-X", "faulthandler", "-m", "mnist_tools", "stress", "model-files"]
            command += [str(arguments.count), str(arguments.seed), "--level", level, "--child", backend]
            done = subprocess.run(command, env=environment(), stdout=subprocess.PIPE, text=True, check=False)
            if done.returncode:
                print(f"FAILED: {level}, {backend}: the process ended with exit code {done.returncode}")
                failed += 1
                continue
            found = json.loads(done.stdout)
            failed += len(found["failures"])
            show(level, backend, found)
    print(f"{failed} failures")
    return int(failed > 0)


def show(level: str, backend: str, found: dict[str, Any]) -> None:
    """Print how many files of each kind were rejected, and by which check."""
    total = sum(count for *_, count in found["seen"])
    print(f"\n{level}, {backend}: {total} files, memory grew by {found['grown']:.0f} MB")
    checks = Counter[str]()
    for kind in LEVELS[level].kinds:
        rows = {check: count for each, check, count in found["seen"] if each == kind}
        checks.update(rows)
        rejected = sum(rows.values()) - rows.get("answers", 0)
        print(f"  {kind:32}{rejected:6} of {sum(rows.values()):6} rejected")
    for check, count in checks.most_common():
        print(f"    {count:6}  {check}")
    for failure in found["failures"][:20]:
        print(f"  FAILED: {failure}")

"""Damage the ready model files and look what the runtime says; run by scripts/damage.

Four levels, each a row of `LEVELS`: files whose digest tells; and, sealed anew with a right digest as an attacker
would, a damaged model, a damaged archive behind it, and a damaged manifest. On the first, every file must be
refused. On the others a file may turn out to be harmless; whatever is not refused must run, in bounded time and memory.
"""

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
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from random import Random
from typing import Any

import numpy as np

import mnist_runtime
from mnist_runtime import BACKENDS, Classifier, ToolkitError, self_test
from mnist_runtime.artifact.container import DIGEST_LENGTH, GOLDEN_IMAGES_ENTRY, GOLDEN_SCORES_ENTRY, MANIFEST_ENTRY
from mnist_runtime.errors import ArtifactError, UnsealedError
from mnist_tools.stress.mutations import MUTATIONS, mutated

MODELS = Path(mnist_runtime.__file__).parent / "models"
SECONDS = 30
"""In which a file must be refused or run; a busy machine needs some."""
MEGABYTES = 256
"""By which the memory of the process may grow over all files together."""
ENTRIES = (MANIFEST_ENTRY, GOLDEN_IMAGES_ENTRY, GOLDEN_SCORES_ENTRY)


@dataclass(frozen=True)
class Ready:
    """A ready model file in its parts.

    Parameters
    ----------
    content : bytes
        The whole file.
    model, archive : bytes
        What an interpreter loads, and the zip behind it, digest included.
    """

    content: bytes
    model: bytes
    archive: bytes

    @classmethod
    def read(cls, format: str) -> "Ready":
        """Read the one of `format`."""
        content = (MODELS / f"cnn-int8.{format}").read_bytes()
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            start = archive.infolist()[0].header_offset
        return cls(content, content[:start], content[start:])


def sealed_anew(content: bytes) -> bytes:
    """Return `content` with the right digest in place of its last 64 bytes."""
    body = content[:-DIGEST_LENGTH]
    return body + hashlib.sha256(body).hexdigest().encode()


def archive_of(entries: dict[str, bytes], method: int = zipfile.ZIP_DEFLATED) -> bytes:
    """Return a zip with room for the digest at its end."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for name, content in entries.items():
            archive.writestr(zipfile.ZipInfo(name), content, method)  # of 1980: the same bytes every time
        archive.comment = b"0" * DIGEST_LENGTH
    return buffer.getvalue()


def entries_of(archive: bytes) -> dict[str, bytes]:
    """Return what a zip holds."""
    with zipfile.ZipFile(io.BytesIO(archive)) as opened:
        return {name: opened.read(name) for name in opened.namelist()}


def damaged_file(random: Random, kind: str, file: Ready, other: Ready) -> bytes:
    """Damage the file anywhere."""
    return mutated(random, kind, file.content, other.content)


def damaged_model(random: Random, kind: str, file: Ready, other: Ready) -> bytes:
    """Damage the model, up to four times, and seal."""
    model = file.model
    for _ in range(random.choice((1, 1, 2, 4))):
        model = mutated(random, kind, model, other.model)
    return sealed_anew(model + file.archive)


def damaged_archive(random: Random, kind: str, file: Ready, other: Ready) -> bytes:
    """Damage the archive but for the digest, or an entry of it, and seal."""
    if random.random() < 0.5:
        return sealed_anew(file.model + mutated(random, kind, file.archive[:-DIGEST_LENGTH], other.archive) + bytes(64))
    entries, name = entries_of(file.archive), random.choice(ENTRIES)
    entries[name] = mutated(random, kind, entries[name], entries_of(other.archive)[random.choice(ENTRIES)])
    return sealed_anew(file.model + archive_of(entries))


VALUES: dict[str, Any] = {
    "null": None,
    "true": True,
    "a text": "seven",
    "a text with a bell": "\a",
    "half a character": "\ud800",
    "a long text": "7" * 10_000,
    "minus one": -1,
    "a number too great for a float": 10**400,
    "not a number": float("nan"),
    "infinity": float("inf"),
    "a tiny number": 5e-324,
    "an empty list": [],
    "a list of lists": [[0]] * 10,
    "an empty object": {},
    "an object": {"dtype": "object", "scale": 1e308, "offset": -1e308, "backend": 7},
}
"""What a field of a manifest is replaced by; and each may be left out."""


def damaged_manifest(random: Random, kind: str, file: Ready, _: Ready) -> bytes:
    """Replace one to three fields, at any depth, by the value `kind`, or leave them out."""
    entries = entries_of(file.archive)
    facts = json.loads(entries[MANIFEST_ENTRY])
    for _turn in range(random.randint(1, 3)):
        place: Any = facts
        key = random.choice(list(facts))
        while key in place and isinstance(place[key], dict) and place[key] and random.random() < 0.5:
            place = place[key]
            key = random.choice(list(place))
        if kind == "left out":
            place.pop(key, None)
        else:
            place[key] = copy.deepcopy(VALUES[kind])
    entries[MANIFEST_ENTRY] = json.dumps(facts).encode()
    return sealed_anew(file.model + archive_of(entries))


@dataclass(frozen=True)
class Level:
    """One row of `LEVELS`.

    Parameters
    ----------
    damage : callable
        From a generator, a kind, a file and another to the damaged file.
    kinds : tuple of str
        What kinds there are.
    may_answer : bool
        Whether a file may be harmless.
    backends : tuple of str
        For which backends it is tried. Where the digest is right, the others trust the file: only `numpy` is ours.
    """

    damage: Callable[[Random, str, Ready, Ready], bytes]
    kinds: tuple[str, ...]
    may_answer: bool
    backends: tuple[str, ...]


LEVELS: dict[str, Level] = {
    "file": Level(damaged_file, tuple(MUTATIONS), False, tuple(BACKENDS)),
    "model, sealed anew": Level(damaged_model, tuple(MUTATIONS), True, ("numpy",)),
    "archive, sealed anew": Level(damaged_archive, tuple(MUTATIONS), True, ("numpy",)),
    "manifest, sealed anew": Level(damaged_manifest, (*VALUES, "left out"), True, ("numpy",)),
}
"""Name -> what is damaged."""


def damaged(level: str, backend: str, seed: int, number: int) -> tuple[str, bytes]:
    """Return the kind and the bytes of one damaged file; the same for the same arguments."""
    row, random = LEVELS[level], Random(f"{level} {backend} {seed} {number}")
    format = BACKENDS[backend].format
    file, other = Ready.read(format), Ready.read("tflite" if format == "onnx" else "onnx")
    kind = row.kinds[number % len(row.kinds)]
    return kind, row.damage(random, kind, file, other)


def outcome(content: bytes, backend: str, path: Path) -> str:
    """Load the file `content`, from `path`, and classify with it; return which check refused it, or that none did.

    Raises
    ------
    Exception
        If anything else happens than an answer or an `ArtifactError`.
    """
    path.write_bytes(content)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            classifier = Classifier.load(path, backend=backend)
            classifier.predict(np.zeros((3, 28, 28), np.uint8))
            self_test(path, backend=backend)
    except ArtifactError as error:
        return refusal(error)
    except ToolkitError as error:
        if "Expected a backend that runs" not in str(error):  # it says that it is of another format or precision
            raise
        return "choose_backend"
    return "answers"


def refusal(error: ArtifactError) -> str:
    """Return which check of the runtime's raised `error`."""
    if isinstance(error, UnsealedError):
        return "no digest"
    if "SHA-256 differs" in str(error):
        return "digest differs"
    first: BaseException = error
    while isinstance(first.__cause__, ArtifactError):
        first = first.__cause__
    place = first.__traceback__
    assert place is not None
    while place.tb_next:
        place = place.tb_next
    return f"{Path(place.tb_frame.f_code.co_filename).stem}.{place.tb_frame.f_code.co_name}"


def examine(level: str, backend: str, seed: int, count: int) -> tuple[Counter[tuple[str, str]], list[str]]:
    """Try `count` damaged files; return how many of each kind came to what, and what must not be."""
    seen: Counter[tuple[str, str]] = Counter()
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
                failures.append(f"{level}, {backend}, number {number}, {kind}: it answers")
            seen[kind, found] += 1
    return seen, failures


def child(level: str, backend: str, seed: int, count: int) -> None:
    """Examine, and print the outcome as JSON."""
    Classifier.load(backend=backend).predict(np.zeros((3, 28, 28), np.uint8))
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    seen, failures = examine(level, backend, seed, count)
    grown = (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) / 1024
    if grown > MEGABYTES:
        failures.append(f"{level}, {backend}: its memory grew by {grown:.0f} MB, where {MEGABYTES} are allowed")
    json.dump(
        {"seen": [[*key, count] for key, count in seen.items()], "failures": failures, "grown": grown}, sys.stdout
    )


def main() -> int:
    """Print for each level and backend what came of each kind; return 1 if one file came to what must not be."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("count", nargs="?", type=int, default=20_000, help="files for each level and backend")
    parser.add_argument("seed", nargs="?", type=int, default=0)
    parser.add_argument("--level", choices=LEVELS, help="only this one")
    parser.add_argument("--child", metavar="BACKEND", help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.child:
        child(arguments.level, arguments.child, arguments.seed, arguments.count)
        return 0
    failed = 0
    for level in [arguments.level] if arguments.level else LEVELS:
        for backend in LEVELS[level].backends:
            command = [
                sys.executable,
                "-X",
                "faulthandler",
                "-m",
                "mnist_tools.stress.model_files",
                str(arguments.count),
            ]
            command += [str(arguments.seed), "--level", level, "--child", backend]
            done = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=False)
            if done.returncode:
                print(f"FAILED: {level}, {backend}: the process ended with {done.returncode}")
                failed += 1
                continue
            found = json.loads(done.stdout)
            failed += len(found["failures"])
            show(level, backend, found)
    print(f"{failed} failures")
    return int(failed > 0)


def show(level: str, backend: str, found: dict[str, Any]) -> None:
    """Print a table of what came of each kind of damage."""
    total = sum(count for *_, count in found["seen"])
    print(f"\n{level}, {backend}: {total} files, memory grew by {found['grown']:.0f} MB")
    checks = Counter[str]()
    for kind in LEVELS[level].kinds:
        rows = {check: count for each, check, count in found["seen"] if each == kind}
        checks.update(rows)
        refused = sum(rows.values()) - rows.get("answers", 0)
        print(f"  {kind:32}{refused:6} of {sum(rows.values()):6} refused")
    for check, count in checks.most_common():
        print(f"    {count:6}  {check}")
    for failure in found["failures"][:20]:
        print(f"  FAILED: {failure}")


if __name__ == "__main__":
    sys.exit(main())

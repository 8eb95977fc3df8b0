"""Classify corrupted pictures, decompression bombs and invalid arrays.

For each the runtime must return a prediction or raise a `ToolkitError` with a one-line message, in bounded time and
memory, and write nothing to stderr.
"""

from __future__ import annotations

import argparse
import faulthandler
import functools
import io
import json
import os
import subprocess
import sys
import tempfile
import time
import warnings
import zlib
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from random import Random
from typing import Any, Literal

from PIL import Image, ImageDraw

from mnist_runtime import Classifier, ToolkitError
from mnist_tools.checkout import environment
from mnist_tools.stress.hostile_pictures import ARRAYS, BOMBS
from mnist_tools.stress.mutations import MUTATIONS, Mutation, mutated

__all__ = ["KINDS", "USUAL", "damaged", "examine", "main", "sources"]

USUAL = ("PNG", "JPEG", "GIF", "BMP", "WEBP", "TIFF")
"""Half of the pictures have one of these formats, the other half any format that Pillow reads and writes."""
MODES = ("1", "L", "LA", "P", "RGB", "RGBA", "CMYK", "I;16", "I", "F")
VARIANTS: dict[str, tuple[dict[str, Any], ...]] = {
    "PNG": ({}, {"compress_level": 0}, {"dpi": (72, 72)}),
    "JPEG": ({}, {"progressive": True}, {"quality": 100, "subsampling": 0}),
    "GIF": ({}, {"save_all": True, "append_images": [Image.new("L", (61, 83), 90)]}),
    "WEBP": ({}, {"lossless": True}),
    "TIFF": ({}, *({"compression": name} for name in ("tiff_lzw", "tiff_adobe_deflate", "packbits", "jpeg"))),
}
"""Format -> sets of options with which it is written."""
SIZE = (61, 83)
"""Size of the pictures. These two primes are easy to find in the bytes of a file, where `resize` replaces them."""
SIZES = (0, 1, 2, 7000, 65_535, 100_000, 2**31 - 1, 2**32 - 1)
ORDERS: tuple[Literal["little", "big"], ...] = ("little", "big")
SECONDS = 20
"""CPU time allowed for one picture, also for one of 50 million pixels."""
HANG = 300
"""Elapsed time, in seconds, after which the process ends with a traceback."""
MEGABYTES = 1100
"""Memory allowed for one picture: 20 bytes for each of 50 million pixels, the most that are accepted."""
EXIT_CODES = (2, 6)


@functools.cache
def sources() -> dict[str, list[bytes]]:
    """Return the intact files: a drawn seven in each format, mode and variant."""
    Image.init()
    found: dict[str, list[bytes]] = {}
    for format in sorted(set(Image.SAVE) & set(Image.OPEN)):
        for mode in MODES:
            for options in VARIANTS.get(format, ({},)):
                if content := _written(format, mode, options):
                    found.setdefault(format, []).append(content)
    return found


def _written(format: str, mode: str, options: dict[str, Any]) -> bytes | None:
    """Return a drawn seven as a file, or None if Pillow cannot write this combination."""
    picture = Image.new("L", SIZE, 250)
    ImageDraw.Draw(picture).line([(12, 20), (50, 20), (25, 70)], 20, 7)
    exif = Image.Exif()
    exif[0x0112], exif[0x010E] = 6 if options else 1, "seven"  # EXIF orientation: variants are rotated
    buffer = io.BytesIO()
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # deprecation of rare modes
            picture = picture.convert("I") if mode == "I;16" else picture
            picture.convert(mode).save(buffer, format, exif=exif, **options)
    except (OSError, ValueError, KeyError, TypeError, AttributeError, SystemError):
        return None
    return buffer.getvalue()


def resize(random: Random, content: bytes, _: bytes) -> bytes:
    """Write another width, height or both into the file."""
    for side in random.choice((SIZE, SIZE[:1], SIZE[1:])):
        for order in ORDERS:
            for length in (4, 2):
                new = random.choice(SIZES) % (1 << 8 * length)
                content = content.replace(side.to_bytes(length, order), new.to_bytes(length, order), 1)
    return content


KINDS: dict[str, Mutation] = {**MUTATIONS, "another size": resize}


def with_right_checksums(content: bytes) -> bytes:
    """Return a PNG with corrected checksums, so that readers look into its chunks."""
    repaired, place = content[:8], 8
    while place + 12 <= len(content):
        end = place + 8 + int.from_bytes(content[place : place + 4], "big")
        if end + 4 > len(content):
            break
        repaired += content[place:end] + zlib.crc32(content[place + 4 : end]).to_bytes(4, "big")
        place = end + 4
    return repaired + content[place:]


def damaged(files: dict[str, list[bytes]], seed: int, number: int) -> tuple[str, bytes]:
    """Return the description and the bytes of corrupted picture `number`; the same for the same arguments."""
    random = Random(f"{seed} {number}")
    usual = [format for format in USUAL if format in files]
    format, other = (random.choice(usual if random.random() < 0.5 else list(files)) for _ in range(2))
    kind = list(KINDS)[number % len(KINDS)]
    content = random.choice(files[format])
    if kind == "another size":
        content = resize(random, content, content)
    else:
        for _ in range(random.choice((1, 1, 2, 3))):
            content = mutated(random, kind, content, random.choice(files[other]))
    if format == "PNG" and random.random() < 0.7:
        content = with_right_checksums(content)
    return f"{format}, {kind}", content


def cases(
    files: dict[str, list[bytes]], seed: int, count: int, folder: Path
) -> Iterator[tuple[str, Callable[[], Any]]]:
    """Yield all bombs, all arrays and `count` corrupted pictures: a name and a function that makes the argument."""
    path = folder / "picture"

    def at_path(content: bytes) -> Path:
        path.write_bytes(content)
        return path

    for name, make in BOMBS.items():
        yield f"bomb, {name}", lambda make=make: at_path(make())  # type: ignore[misc]
    for name, make_array in ARRAYS.items():
        yield f"array, {name}", make_array
    for number in range(count):
        name, content = damaged(files, seed, number)
        yield f"{name}, number {number}", functools.partial(at_path, content)


def outcome(classifier: Classifier, picture: Any) -> str:
    """Classify one picture and return what happened.

    Raises
    ------
    AssertionError
        If the error has a wrong exit code, or its message is not one short line.
    """
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            found = classifier.classify(picture)
    except ToolkitError as error:
        message = str(error).removeprefix(str(picture))
        if error.exit_code not in EXIT_CODES or len(message) > 400 or not message.isprintable():
            raise AssertionError(f"exit code {error.exit_code}, or a bad message: {message[:200]!r}") from error
        return type(error).__name__
    return "no digit" if found.digit is None else "a digit"


def peak() -> float:
    """Return the peak memory of this process since `forget_peak`, in MB."""
    status = Path("/proc/self/status").read_text()
    return int(status.partition("VmHWM:")[2].split()[0]) / 1024


def forget_peak() -> float:
    """Reset the peak and return the current memory, in MB."""
    Path("/proc/self/clear_refs").write_text("5")
    return peak()


class CapturedStderr:
    """Redirect file descriptor 2 to a temporary file, which also captures what native code writes."""

    def __enter__(self) -> CapturedStderr:
        self._file, self._original = tempfile.TemporaryFile(), os.dup(2)
        os.dup2(self._file.fileno(), 2)
        self._place = 0
        return self

    def __exit__(self, *_: object) -> None:
        os.dup2(self._original, 2)
        os.close(self._original)
        self._file.close()

    def new_text(self) -> str:
        """Return what was written since the last call."""
        sys.stderr.flush()
        self._file.seek(self._place)
        text = self._file.read()
        self._place += len(text)
        return text.decode(errors="replace")


def examine(
    seed: int, count: int, passed_over: frozenset[str] = frozenset()
) -> tuple[Counter[tuple[str, str]], list[str], float]:
    """Try all cases except those named in `passed_over`.

    Returns
    -------
    outcomes : Counter
        Number of cases for each kind and outcome.
    failures : list of str
        Descriptions of forbidden outcomes.
    most : float
        Largest growth of memory for one case, in MB.
    """
    outcomes: Counter[tuple[str, str]] = Counter()
    failures, most = [], 0.0
    classifier = Classifier.load(backend="numpy")
    terminal = os.fdopen(os.dup(2), "w")
    with tempfile.TemporaryDirectory() as folder, CapturedStderr() as stderr, terminal:
        files = sources()
        stderr.new_text()  # libtiff complains about modes that it cannot write
        for name, make in cases(files, seed, count, Path(folder)):
            if name in passed_over:
                continue
            picture = make()
            before, started = forget_peak(), time.process_time()
            faulthandler.dump_traceback_later(HANG, exit=True, file=terminal)
            try:
                found = outcome(classifier, picture)
            except Exception as error:
                found = type(error).__name__
                failures.append(f"{name}: {found}: {error}")
            faulthandler.cancel_dump_traceback_later()
            seconds, grown = time.process_time() - started, peak() - before
            most = max(most, grown)
            if seconds > SECONDS or grown > MEGABYTES:
                failures.append(f"{name}: took {seconds:.1f} s and {grown:.0f} MB")
            if written := stderr.new_text():
                failures.append(f"{name}: wrote to stderr: {written[:200]!r}")
            outcomes[name.partition(", number")[0], found] += 1
    return outcomes, failures, most


def main(argv: Sequence[str] | None = None) -> int:
    """Print the outcomes by kind; return 1 after a forbidden outcome or if the process died."""
    parser = argparse.ArgumentParser(prog="scripts/tool stress pictures", description=__doc__)
    parser.add_argument("count", nargs="?", type=int, default=20_000, help="corrupted pictures (default: 20000)")
    parser.add_argument("seed", nargs="?", type=int, default=0, help="seed of the corruptions (default: 0)")
    parser.add_argument("--child", action="store_true", help=argparse.SUPPRESS)
    arguments = parser.parse_args(argv)
    if arguments.child:
        outcomes, failures, most = examine(arguments.seed, arguments.count)
        json.dump({"seen": [[*key, n] for key, n in outcomes.items()], "failures": failures, "most": most}, sys.stdout)
        return 0
    command = [sys.executable, "-X", "faulthandler", "-m", "mnist_tools", "stress", "pictures"]
    command += [str(arguments.count), str(arguments.seed), "--child"]
    done = subprocess.run(command, env=environment(), stdout=subprocess.PIPE, text=True, check=False)
    if done.returncode:
        print(f"FAILED: the process ended with exit code {done.returncode}")
        return 1
    found = json.loads(done.stdout)
    show(found)
    return int(bool(found["failures"]))


def show(found: dict[str, Any]) -> None:
    """Print bombs and arrays one by one, and corrupted pictures by format and by corruption."""
    sums: dict[str, Counter[str]] = {}
    for name, result, count in found["seen"]:
        first, _, rest = name.partition(", ")
        for row in (name,) if first in ("bomb", "array") else (first, rest):
            sums.setdefault(row, Counter())[result] += count
    for row, results in sums.items():
        print(f"{row:50}" + ", ".join(f"{count} {result}" for result, count in results.most_common()))
    print(f"memory grew by up to {found['most']:.0f} MB; {len(found['failures'])} failures")
    for failure in found["failures"][:50]:
        print(f"FAILED: {failure}")

"""Show the runtime damaged pictures, bombs and impossible arrays; run by scripts/fuzz-pictures.

To each it must give a prediction or an error with an exit code of its own, in one sentence: in bounded time and memory,
with nothing on stderr.
"""

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
from collections.abc import Callable, Iterator
from pathlib import Path
from random import Random
from typing import Any

from PIL import Image, ImageDraw

from mnist_runtime import Classifier, ToolkitError
from mnist_tools.stress.hostile_pictures import ARRAYS, BOMBS
from mnist_tools.stress.mutations import MUTATIONS, Mutation, mutated

USUAL = ("PNG", "JPEG", "GIF", "BMP", "WEBP", "TIFF")
"""Half of the pictures are of these kinds, half of any kind that Pillow both reads and writes."""
MODES = ("1", "L", "LA", "P", "RGB", "RGBA", "CMYK", "I;16", "I", "F")
VARIANTS: dict[str, tuple[dict[str, Any], ...]] = {
    "PNG": ({}, {"compress_level": 0}, {"dpi": (72, 72)}),
    "JPEG": ({}, {"progressive": True}, {"quality": 100, "subsampling": 0}),
    "GIF": ({}, {"save_all": True, "append_images": [Image.new("L", (61, 83), 90)]}),
    "WEBP": ({}, {"lossless": True}),
    "TIFF": ({}, *({"compression": name} for name in ("tiff_lzw", "tiff_adobe_deflate", "packbits", "jpeg"))),
}
"""Format -> ways in which it is written."""
SIZE = (61, 83)
"""Of the pictures: two primes, so that they are found in the file's bytes and nothing else is."""
SIZES = (0, 1, 2, 7000, 65_535, 100_000, 2**31 - 1, 2**32 - 1)
SECONDS = 20
"""Of the processor, in which there must be an answer, also about a picture of 50 million pixels."""
HANG = 300
"""Seconds by the clock, on a busy machine, after which the process ends with the place where it hangs."""
MEGABYTES = 1100
"""By which the memory may grow meanwhile: 20 bytes for each of 50 million pixels, the most that are accepted."""
EXIT_CODES = (2, 6)


@functools.cache
def sources() -> dict[str, list[bytes]]:
    """Return for each format the files of a drawn seven, in each mode and variant that it has."""
    Image.init()
    found: dict[str, list[bytes]] = {}
    for format in sorted(set(Image.SAVE) & set(Image.OPEN)):
        for mode in MODES:
            for options in VARIANTS.get(format, ({},)):
                if content := written(format, mode, options):
                    found.setdefault(format, []).append(content)
    return found


def written(format: str, mode: str, options: dict[str, Any]) -> bytes | None:
    """Return a seven as a file, None where Pillow does not write that."""
    picture = Image.new("L", SIZE, 250)
    ImageDraw.Draw(picture).line([(12, 20), (50, 20), (25, 70)], 20, 7)
    exif = Image.Exif()
    exif[0x0112], exif[0x010E] = 6 if options else 1, "seven"  # the plain ones are upright
    buffer = io.BytesIO()
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of kinds that Pillow will no longer write one day
            picture = picture.convert("I") if mode == "I;16" else picture
            picture.convert(mode).save(buffer, format, exif=exif, **options)
    except (OSError, ValueError, KeyError, TypeError, AttributeError, SystemError):
        return None
    return buffer.getvalue()


def resize(random: Random, content: bytes, _: bytes) -> bytes:
    """Let the file say that it has another width, height or both."""
    for side in random.choice((SIZE, SIZE[:1], SIZE[1:])):
        for order in ("little", "big"):
            for length in (4, 2):
                new = random.choice(SIZES) % (1 << 8 * length)
                content = content.replace(side.to_bytes(length, order), new.to_bytes(length, order), 1)
    return content


KINDS: dict[str, Mutation] = {**MUTATIONS, "another size": resize}


def with_right_checksums(content: bytes) -> bytes:
    """Return a PNG whose chunks have the checksums of what is in them now, so that they are looked into."""
    repaired, place = content[:8], 8
    while place + 12 <= len(content):
        end = place + 8 + int.from_bytes(content[place : place + 4], "big")
        if end + 4 > len(content):
            break
        repaired += content[place:end] + zlib.crc32(content[place + 4 : end]).to_bytes(4, "big")
        place = end + 4
    return repaired + content[place:]


def damaged(files: dict[str, list[bytes]], seed: int, number: int) -> tuple[str, bytes]:
    """Return what one damaged picture is, and its bytes."""
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
    """Give every bomb, every array and `count` damaged pictures, each with a name and what makes the argument."""
    path = folder / "picture"

    def at_path(content: bytes) -> Path:
        path.write_bytes(content)
        return path

    for name, make in BOMBS.items():
        yield f"bomb, {name}", lambda make=make: at_path(make())
    for name, make in ARRAYS.items():
        yield f"array, {name}", make
    for number in range(count):
        name, content = damaged(files, seed, number)
        yield f"{name}, number {number}", lambda content=content: at_path(content)


def outcome(classifier: Classifier, picture: Any) -> str:
    """Classify; return what came of it, or raise what must not be raised."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            found = classifier.classify(picture)
    except ToolkitError as error:
        said = str(error).removeprefix(str(picture))
        if error.exit_code not in EXIT_CODES or len(said) > 400 or not said.isprintable():
            raise AssertionError(f"no sentence, or exit code {error.exit_code}: {said[:200]!r}") from error
        return type(error).__name__
    return "no digit" if found.digit is None else "a digit"


def peak() -> float:
    """Return the most memory, in MB, that this process had since `forget_peak`."""
    status = Path("/proc/self/status").read_text()
    return int(status.partition("VmHWM:")[2].split()[0]) / 1024


def forget_peak() -> float:
    """Begin to measure the peak anew; return the memory in use, in MB."""
    Path("/proc/self/clear_refs").write_text("5")
    return peak()


class Watched:
    """A file in the place of file descriptor 2."""

    def __enter__(self) -> "Watched":
        self._kept, self._original = tempfile.TemporaryFile(), os.dup(2)
        os.dup2(self._kept.fileno(), 2)
        self._place = 0
        return self

    def __exit__(self, *_: object) -> None:
        os.dup2(self._original, 2)
        os.close(self._original)
        self._kept.close()

    def said(self) -> str:
        """Return what was written since this was last asked."""
        sys.stderr.flush()
        self._kept.seek(self._place)
        text = self._kept.read().decode(errors="replace")
        self._place += len(text.encode())
        return text


def examine(
    seed: int, count: int, passed_over: frozenset[str] = frozenset()
) -> tuple[Counter[tuple[str, str]], list[str], float]:
    """Try all cases but those `passed_over`.

    Returns
    -------
    seen : Counter
        What came of each kind, how often.
    failures : list of str
        What must not be.
    most : float
        MB by which the memory grew, at the most.
    """
    seen: Counter[tuple[str, str]] = Counter()
    failures, most = [], 0.0
    classifier = Classifier.load(backend="numpy")
    terminal = os.fdopen(os.dup(2), "w")
    with tempfile.TemporaryDirectory() as folder, Watched() as watched, terminal:
        files = sources()
        watched.said()  # what libtiff has to say about modes that it does not write
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
                failures.append(f"{name}: it took {seconds:.1f} s and {grown:.0f} MB")
            if said := watched.said():
                failures.append(f"{name}: it wrote to stderr: {said[:200]!r}")
            seen[name.partition(", number")[0], found] += 1
    return seen, failures, most


def main() -> int:
    """Print what came of each kind; return 1 if one came to what must not be, or the process died of it."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("count", nargs="?", type=int, default=20_000, help="damaged pictures")
    parser.add_argument("seed", nargs="?", type=int, default=0)
    parser.add_argument("--child", action="store_true", help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.child:
        seen, failures, most = examine(arguments.seed, arguments.count)
        json.dump({"seen": [[*key, n] for key, n in seen.items()], "failures": failures, "most": most}, sys.stdout)
        return 0
    command = [sys.executable, "-X", "faulthandler", "-m", "mnist_tools.stress.pictures"]
    command += [str(arguments.count), str(arguments.seed), "--child"]
    done = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=False)
    if done.returncode:
        print(f"FAILED: the process ended with {done.returncode}")
        return 1
    found = json.loads(done.stdout)
    show(found)
    return int(bool(found["failures"]))


def show(found: dict[str, Any]) -> None:
    """Print the bombs and arrays one by one, the damaged pictures by kind of damage and by format."""
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


if __name__ == "__main__":
    sys.exit(main())

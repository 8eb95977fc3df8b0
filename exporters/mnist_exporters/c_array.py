"""A model for microcontrollers: a C99 header and the array behind it, proven in the interpreter that runs there.

The pair is for TensorFlow Lite Micro. Its own Python package runs the very bytes of the array, read back from the
source file, in an arena of the very size that the header states.
"""

from __future__ import annotations

import dataclasses
import hashlib
import importlib.util
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from mnist_exporters import tflite_contents
from mnist_exporters.contents import Contents
from mnist_exporters.errors import MissingPackageError, UsageError
from mnist_runtime import Affine, Artifact, ArtifactError, Classifier, Golden, Manifest
from mnist_runtime.native_output import held_back

__all__ = ["load", "open_pair", "pack", "read"]

ALIGNMENT = 16
"""Bytes; FlatBuffers' own need, and that of kernels that load 16 bytes at once."""
ASK_FOR_ARENA = """
import sys
from tflite_micro.python.tflite_micro import runtime
runtime.Interpreter.from_bytes(sys.stdin.buffer.read(), arena_size=2**26).print_allocations()
"""
NUMBERS_A_LINE = 20
NO_DIGEST = "0" * 64
"""What stands in both files while their digest is computed."""
MANIFEST_BEGIN, MANIFEST_END = "manifest:\n", "\n*/"


class MicroInterpreter:
    """TensorFlow Lite Micro with one model, in an arena of `arena_bytes`; a `Backend` for one image at a time.

    Raises
    ------
    RuntimeError
        If the arena is too small.
    """

    def __init__(self, model: bytes, arena_bytes: int) -> None:
        from tflite_micro.python.tflite_micro import runtime

        self._interpreter = runtime.Interpreter.from_bytes(model, arena_size=arena_bytes)
        details = self._interpreter.get_output_details(0)
        scale, zero_point = (details["quantization_parameters"][key][0] for key in ("scales", "zero_points"))
        self.output = Affine(float(scale), int(zero_point), np.dtype(details["dtype"]).name)

    def run(self, pixels: npt.NDArray[Any]) -> npt.NDArray[Any]:
        """See `mnist_runtime.Backend.run`."""
        scores = []
        for pixel in pixels:
            self._interpreter.set_input(pixel[None], 0)
            self._interpreter.invoke()
            scores.append(self._interpreter.get_output(0)[0])
        return np.array(scores)


def read(model: bytes) -> Contents:
    """Return what is in `model`, and the arena that it needs."""
    return dataclasses.replace(tflite_contents.read(model), format="c", arena_bytes=_arena_bytes(model))


def _arena_bytes(model: bytes) -> int:
    """Ask the interpreter, in a process of its own, since on a model that it cannot run it may crash.

    Raises
    ------
    ArtifactError
        If it cannot run the model.
    MissingPackageError
        If it is not installed.
    """
    if importlib.util.find_spec("tflite_micro") is None:
        raise MissingPackageError(
            "Expected tflite-micro, which C exports need, it is not installed: pip install 'mnist-edge-export[micro]'."
        )
    done = subprocess.run([sys.executable, "-P", "-c", ASK_FOR_ARENA], input=model, capture_output=True, check=False)
    found = re.search(rb"Arena allocation total (\d+) bytes", done.stdout + done.stderr)
    if done.returncode != 0 or not found:
        reason = next(iter(done.stderr.decode(errors="replace").strip().splitlines()), "it crashed")
        raise ArtifactError(f"Expected a model that TensorFlow Lite Micro can run, it refused ({reason}).")
    return -(-int(found[1]) // ALIGNMENT) * ALIGNMENT


def pack(model: bytes, manifest: Manifest, golden: Golden, stem: str) -> dict[str, bytes]:
    """Return the source and the header, by suffix; their names in C begin with `stem`.

    Raises
    ------
    UsageError
        If one file cannot include the other by that name.
    """
    if not stem.isprintable() or set(stem) & set('"\\'):
        raise UsageError(f"Expected a name that C can include, received {stem!r}; give --output another, ending in .h.")
    name = _identifier(stem)
    header = _header(stem, name, model, manifest)
    source = _source(stem, name, model, manifest, golden)
    digest = hashlib.sha256((header + source).encode()).hexdigest()
    return {".cc": _stamped(source, NO_DIGEST, digest).encode(), ".h": _stamped(header, NO_DIGEST, digest).encode()}


def open_pair(path: Path) -> Artifact:
    """Read the header at `path` and the source beside it, and check them against the digest that both carry.

    Raises
    ------
    ArtifactError
        If one is missing, damaged or of another export than the other.
    """
    try:
        header, source = path.read_text("utf-8"), path.with_suffix(".cc").read_text("utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise ArtifactError(
            f"Expected a header at {path} and its .cc beside it, could not read both ({error}); export them again."
        ) from error
    found = re.search(r'_SHA256 "([0-9a-f]{64})"', header)
    if not found or _digest(header, source, found[1]) != found[1]:
        raise ArtifactError(
            f"{path}: expected header and source of one export, unchanged (SHA-256 differs); export them again."
        )
    name = _identifier(path.stem)
    return Artifact(
        content=_array(source, f"{name}_model", np.uint8).tobytes(),
        manifest=Manifest.from_json(header.partition(MANIFEST_BEGIN)[2].partition(MANIFEST_END)[0]),
        golden=Golden(
            _array(source, f"{name}_golden_pixels", np.uint8).reshape(-1, 28, 28),
            _array(source, f"{name}_golden_scores", np.int8).reshape(-1, 10),
        ),
    )


def load(path: Path) -> Classifier:
    """Load the array of the pair at `path` into TensorFlow Lite Micro."""
    artifact = open_pair(path)
    with held_back():
        backend = MicroInterpreter(artifact.content, artifact.manifest.requires["arena_bytes"])
    return Classifier(artifact, [backend], "tflite-micro")


def _identifier(stem: str) -> str:
    """Return `stem` as a name in C."""
    name = re.sub(r"\W", "_", stem, flags=re.ASCII).lower()
    return f"model_{name}" if not name or name[0].isdigit() or name[0] == "_" else name


def _digest(header: str, source: str, digest: str) -> str:
    """Return the SHA-256 of both texts as they were before `digest` was put into them."""
    return hashlib.sha256(
        (_stamped(header, digest, NO_DIGEST) + _stamped(source, digest, NO_DIGEST)).encode()
    ).hexdigest()


def _stamped(text: str, old: str, new: str) -> str:
    """Put the digest `new` in the place of `old`: whole, and its first 32 bits as a number for the preprocessor."""
    return text.replace(old, new).replace(f" 0x{old[:8]}u\n", f" 0x{new[:8]}u\n")


def _array(source: str, name: str, dtype: type[np.integer[Any]]) -> npt.NDArray[Any]:
    """Return the numbers between the braces behind `name`.

    Raises
    ------
    ArtifactError
        If there is no such array, as when the files were renamed.
    """
    found = re.search(rf"\b{name}\[[^=;]*=\s*\{{([-\d,\s]*)\}};", source)
    if not found:
        raise ArtifactError(f"Expected an array called {name}, found none: keep the names of the two files.")
    return np.array([int(number) for number in re.findall(r"-?\d+", found[1])], dtype)


def _lines(numbers: npt.NDArray[Any]) -> str:
    flat = [str(number) for number in numbers.reshape(-1).tolist()]
    rows = (flat[start : start + NUMBERS_A_LINE] for start in range(0, len(flat), NUMBERS_A_LINE))
    return ",\n".join("    " + ", ".join(row) for row in rows)


def _header(stem: str, name: str, model: bytes, manifest: Manifest) -> str:
    contents = tflite_contents.read(model)
    source, target = contents.input.affine, contents.output.affine
    if source is None or target is None:
        raise ArtifactError("Expected a model quantised at both ends, received another; export it again.")
    upper = name.upper()
    # A comment must not end inside the manifest; in JSON a slash may be escaped.
    text = manifest.to_json().replace("*/", "*\\/")
    return f"""\
/* {stem}: a digit classifier for TensorFlow Lite Micro, made by mnist-edge-export. Do not edit.

Input:  28 x 28 pixels as int8, row by row: (int8_t)(pixel - 128) for a raw pixel 0..255, white on black.
Output: ten scores as int8; score = {upper}_OUTPUT_SCALE * (value - {upper}_OUTPUT_ZERO_POINT).
The proof was run in an arena of the size below, measured on {manifest.golden["machine"]} with pointers of 8 bytes.

{MANIFEST_BEGIN}{text}
*/
#ifndef {upper}_H_
#define {upper}_H_

#include <stdint.h>

#define {upper}_SHA256 "{NO_DIGEST}"
#define {upper}_DIGEST 0x{NO_DIGEST[:8]}u

#define {upper}_MODEL_BYTES {len(model)}
#define {upper}_ALIGNMENT {ALIGNMENT}
#define {upper}_ARENA_BYTES {manifest.requires["arena_bytes"]}

#define {upper}_IMAGE_SIDE 28
#define {upper}_LABEL_COUNT {len(manifest.labels)}
#define {upper}_INPUT_SCALE {source.scale!r}f
#define {upper}_INPUT_ZERO_POINT ({source.zero_point})
#define {upper}_OUTPUT_SCALE {target.scale!r}f
#define {upper}_OUTPUT_ZERO_POINT ({target.zero_point})

#ifdef __cplusplus
extern "C" {{
#endif

extern const uint8_t {name}_model[{upper}_MODEL_BYTES];
extern const char *const {name}_labels[{upper}_LABEL_COUNT];

/* Test vectors: raw pixels 0..255, and the scores that were given for them when the model was proven. */
extern const int {name}_golden_count;
extern const uint8_t {name}_golden_pixels[];
extern const int8_t {name}_golden_scores[];

#ifdef __cplusplus
}}
#endif

#endif /* {upper}_H_ */
"""


def _source(stem: str, name: str, model: bytes, manifest: Manifest, golden: Golden) -> str:
    upper = name.upper()
    labels = ", ".join(f'"{label}"' for label in manifest.labels)
    return f"""\
/* The arrays of {stem}.h. Valid C99 and C++11. Do not edit. SHA-256 "{NO_DIGEST}" */
#include "{stem}.h"

#if {upper}_DIGEST != 0x{NO_DIGEST[:8]}u
#error "{stem}.h and {stem}.cc come from different exports"
#endif

#if defined(__cplusplus)
#define {upper}_ALIGNED alignas({upper}_ALIGNMENT)
#elif defined(__GNUC__)
#define {upper}_ALIGNED __attribute__((aligned({upper}_ALIGNMENT)))
#else
#define {upper}_ALIGNED
#endif

{upper}_ALIGNED const uint8_t {name}_model[{upper}_MODEL_BYTES] = {{
{_lines(np.frombuffer(model, np.uint8))}
}};

const char *const {name}_labels[{upper}_LABEL_COUNT] = {{{labels}}};

const int {name}_golden_count = {len(golden.images)};

const uint8_t {name}_golden_pixels[] = {{
{_lines(golden.images)}
}};

const int8_t {name}_golden_scores[] = {{
{_lines(golden.scores)}
}};
"""

"""Text of the C header and the C source file of the format ``tflm``."""

from __future__ import annotations

import numpy as np

from mnist_exporters.formats.c_pair import NO_DIGEST, c_string, manifest_comment, numbers_text
from mnist_exporters.formats.tflite.read import read
from mnist_exporters.formats.tflm.interpreter import ALIGNMENT
from mnist_runtime import ArtifactError, Golden, Manifest
from mnist_runtime.artifact.task import Task

__all__ = ["header_text", "source_text"]

_ORDER = "\n        The answer is the greatest logit, for this keeps the order; only a confidence needs it."
_ABOUT_LOGITS: dict[str, str] = {
    "sigmoid": "\n        score = 1 / (1 + exp(-logit)), in float." + _ORDER,
    "softmax": "\n        score = exp(logit) / the sum of exp over all logits, in float." + _ORDER,
}
"""Activation in the manifest -> lines of the header that explain how to turn logits into scores."""


def _input(task: Task) -> str:
    """Return the text of the header that describes the model's input."""
    pixels = f"{task.height} x {task.width} pixels" + (", red, green and blue of each," if task.channels == 3 else "")
    polarity = ", white on black" if task.preparation == "mnist" else ""
    return f"{pixels} as int8, row by row: (int8_t)(pixel - 128) for a raw pixel 0..255{polarity}."


def header_text(stem: str, name: str, model: bytes, manifest: Manifest) -> str:
    """Return the header: constants, declarations, and the manifest in a comment.

    Parameters
    ----------
    stem, name : str
        File name without suffix, and the C identifier made from it.
    model : bytes
        A ``.tflite`` model with quantized input and output.
    manifest : Manifest
        Stored in a comment.
    """
    contents = read(model)
    source, target = contents.input.affine, contents.output.affine
    if source is None or target is None:
        raise ArtifactError("C code needs a model with quantized input and output. Export it as int8.")
    upper, task = name.upper(), manifest.task
    kind = "a digit classifier" if task.is_mnist else "a classifier of small images"
    count = "ten" if len(task.labels) == 10 else len(task.labels)
    activation = manifest.output.get("activation")
    value, about = ("logit", _ABOUT_LOGITS[activation]) if activation else ("score", "")
    return f"""\
/* {stem}: {kind} for TensorFlow Lite Micro, made by mnist-edge-export. Do not edit.

Input:  {_input(task)}
Output: {count} {value}s as int8; {value} = {upper}_OUTPUT_SCALE * (value - {upper}_OUTPUT_ZERO_POINT).{about}
Arena:  measured on {manifest.golden["machine"]} with 8-byte pointers; the accuracy check ran in an arena of this size.

{manifest_comment(manifest)}
#ifndef {upper}_H_
#define {upper}_H_

#include <stdint.h>

#define {upper}_SHA256 "{NO_DIGEST}"
#define {upper}_DIGEST 0x{NO_DIGEST[:8]}u

#define {upper}_MODEL_BYTES {len(model)}
#define {upper}_ALIGNMENT {ALIGNMENT}
#define {upper}_ARENA_BYTES {manifest.requires["arena_bytes"]}

{f"#define {upper}_IMAGE_SIDE 28{chr(10)}" if task.tensor_shape == (28, 28, 1) else ""}\
#define {upper}_IMAGE_HEIGHT {task.height}
#define {upper}_IMAGE_WIDTH {task.width}
#define {upper}_IMAGE_CHANNELS {task.channels}
#define {upper}_LABEL_COUNT {len(manifest.labels)}
#define {upper}_INPUT_SCALE {source.scale!r}f
#define {upper}_INPUT_ZERO_POINT ({source.zero_point})
#define {upper}_OUTPUT_SCALE {target.scale!r}f
#define {upper}_OUTPUT_ZERO_POINT ({target.zero_point})
{f"#define {upper}_OUTPUT_IS_LOGITS 1{chr(10)}" if activation else ""}
#ifdef __cplusplus
extern "C" {{
#endif

extern const uint8_t {name}_model[{upper}_MODEL_BYTES];
extern const char *const {name}_labels[{upper}_LABEL_COUNT];

/* Test vectors: raw pixels 0..255, and the {value}s that this model gives for them. */
extern const int {name}_golden_count;
extern const uint8_t {name}_golden_pixels[];
extern const int8_t {name}_golden_scores[];

#ifdef __cplusplus
}}
#endif

#endif /* {upper}_H_ */
"""


def source_text(stem: str, name: str, model: bytes, manifest: Manifest, golden: Golden) -> str:
    """Return the source file: model, labels and test vectors as arrays.

    Parameters
    ----------
    stem, name, model, manifest
        See `header_text`.
    golden : Golden
        Test vectors.
    """
    upper = name.upper()
    labels = ", ".join(map(c_string, manifest.labels))
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
{numbers_text(np.frombuffer(model, np.uint8))}
}};

const char *const {name}_labels[{upper}_LABEL_COUNT] = {{{labels}}};

const int {name}_golden_count = {len(golden.images)};

const uint8_t {name}_golden_pixels[] = {{
{numbers_text(golden.images)}
}};

const int8_t {name}_golden_scores[] = {{
{numbers_text(golden.scores)}
}};
"""

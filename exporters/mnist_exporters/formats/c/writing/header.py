"""Text of the C header: a description of the model, its constants, and the declarations of the functions."""

from __future__ import annotations

from dataclasses import dataclass

from mnist_exporters.formats.c.writing.source_code import SourceCode
from mnist_exporters.formats.c_pair import NO_DIGEST, manifest_comment
from mnist_runtime import Manifest

__all__ = ["Header"]

_LOGITS = """
   They are logits, in the order of the scores: the class with the greatest is the answer. {name}_score makes scores
   0..1 of them, in float."""

_PREPARE = """
/* Results of @NAME@_prepare: done; no ink; no even background, as in photographs; wrong arguments. */
#define @UPPER@_PREPARED 0
#define @UPPER@_BLANK 1
#define @UPPER@_UNEVEN 2
#define @UPPER@_WRONG_SIZE 3

/* Prepare a picture of one digit for @NAME@_classify, and write @UPPER@_PIXELS bytes to `out`. It has brightness
   0..255, row by row, `stride` bytes from row to row, and at most 640 x 640 pixels; dark ink on a light background or
   the reverse. Of clean drawings and scans of one digit on an even background, mnist-runtime makes the same bytes. */
int32_t @NAME@_prepare(const uint8_t *gray, int32_t width, int32_t height, int32_t stride, uint8_t *out);
"""


@dataclass(frozen=True)
class Header:
    """The C header of a model.

    Parameters
    ----------
    source : SourceCode
        The source file.
    manifest : Manifest
        The manifest, which is stored in a comment.
    """

    source: SourceCode
    manifest: Manifest

    def text(self) -> str:
        """Return the whole file; its digest is `NO_DIGEST`."""
        name, upper = self.source.name, self.source.name.upper()
        height, width, channels = self.manifest.task.tensor_shape
        scores = self.source.program.scores
        what = "brightness" if channels == 1 else "red, green and blue"
        logits = _LOGITS.format(name=name) if self.source.activation else ""
        polarity = ", white on black" if self.manifest.task.preparation == "mnist" else ""
        prepare = _PREPARE.replace("@NAME@", name).replace("@UPPER@", upper) if self.source.prepares else ""
        return f"""\
/* {self.source.stem}: an image classifier in C99 that needs nothing else, made by mnist-edge-export. Do not edit.

   Compile {self.source.stem}.c into a program, include this header, and call {name}_classify. Nothing is allocated;
   {name}_classify and {name}_self_test use the same static memory, so only one of them may run at a time.

{manifest_comment(self.manifest)}
#ifndef {upper}_H_
#define {upper}_H_

#include <stdint.h>

#define {upper}_SHA256 "{NO_DIGEST}"
#define {upper}_DIGEST 0x{NO_DIGEST[:8]}u

#define {upper}_HEIGHT {height}
#define {upper}_WIDTH {width}
#define {upper}_CHANNELS {channels}
#define {upper}_PIXELS {height * width * channels}
#define {upper}_LABEL_COUNT {len(self.source.labels)}
#define {upper}_THRESHOLD {float(self.manifest.threshold)!r}f /* a smaller confidence means: none of the classes */
#define {upper}_OUTPUT_SCALE {scores.scale!r}f
#define {upper}_OUTPUT_ZERO_POINT ({scores.zero_point})
#define {upper}_FLASH_BYTES {self.source.flash_bytes} /* of constants; the code comes on top */
#define {upper}_RAM_BYTES {self.source.ram_bytes} /* of static memory */

#ifdef __cplusplus
extern "C" {{
#endif

/* Names of the classes, in UTF-8. */
extern const char *const {name}_labels[{upper}_LABEL_COUNT];

/* Classify an image of {upper}_PIXELS bytes, row by row: {what} 0..255{polarity}. Return the
   number of the best class, the first of several; -1 if pixels is null. */
int32_t {name}_classify(const uint8_t *pixels);

/* Scores of the last image: {upper}_LABEL_COUNT integers, each of which means
   {upper}_OUTPUT_SCALE * (integer - {upper}_OUTPUT_ZERO_POINT).{logits} */
const {scores.dtype}_t *{name}_scores(void);

/* Score of a class for the last image, 0..1. */
float {name}_score(int32_t label);

/* Score of the best class for the last image. */
float {name}_confidence(void);

/* Classify the test vectors. Return 0 if all scores are right, else the number, from 1, of the first that is not. */
int32_t {name}_self_test(void);
{prepare}
#ifdef __cplusplus
}}
#endif

#endif /* {upper}_H_ */
"""

"""Text of the C source file: the kernels of a program, its constants, and the functions of the header."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from mnist_exporters.formats.c.graph import Array, Call, Program
from mnist_exporters.formats.c.kernel_files import WITHOUT_STRUCT, kernel_text, with_needed
from mnist_exporters.formats.c.memory import Memory, scratch_number
from mnist_exporters.formats.c_pair import NO_DIGEST, c_string, numbers_text
from mnist_runtime import Golden

__all__ = ["SourceCode", "pack_images", "unpack_images"]

LONGEST_RUN = 255
PREPARE_BYTES = 20 * 20 * 8
"""Working memory of the preparation: the numbers of 20 x 20 pixels."""


@dataclass(frozen=True)
class SourceCode:
    """The C source file of a model.

    Parameters
    ----------
    program : Program
        What it computes.
    stem, name : str
        Name of the header without its suffix, and the C identifier made from it.
    labels : tuple of str
        Names of the classes.
    activation : str or None
        Function that makes scores of logits, ``"softmax"`` or ``"sigmoid"``; None if the program gives scores.
    golden : Golden
        Images and scores of the self-test; none for a file that is not proven yet.
    prepares : bool
        Whether it prepares pictures as the runtime prepares handwriting.
    """

    program: Program
    stem: str
    name: str
    labels: tuple[str, ...]
    activation: str | None
    golden: Golden
    prepares: bool = False

    @property
    def memory(self) -> Memory:
        """Where the values are."""
        return Memory.of(self.program)

    @property
    def ram_bytes(self) -> int:
        """Bytes of all static variables."""
        scores = self.program.values[self.program.output]
        return (
            max(self.memory.size, PREPARE_BYTES if self.prepares else 0)
            + scores.size * np.dtype(scores.dtype).itemsize
            + 4
        )

    @property
    def flash_bytes(self) -> int:
        """Bytes of all constants: weights, tables, labels and test vectors."""
        arrays = [item for _, item in self._constants()]
        return sum(each.nbytes for each in arrays) + sum(len(label.encode()) + 1 for label in self.labels)

    def text(self) -> str:
        """Return the whole file; its digest is `NO_DIGEST`."""
        kernels = [*self.program.kernels, *self._rescaling()]
        if len(self.golden.scores):
            kernels.append("golden")
        if self.activation:
            kernels.append("exponential")
        if self.prepares:
            kernels.append("prepare")
        parts = [
            self._opening(),
            *(kernel_text(name) for name in with_needed(kernels)),
            self._data(),
            self._run(),
            self._functions(),
            self._self_test(),
            *([self._prepare()] if self.prepares else []),
        ]
        return "\n".join(parts)

    def _rescaling(self) -> list[str]:
        used = set(self.program.kernels)
        if self.program.activation == "int16":
            return ["rescale_wide"] if used & {"conv", "depthwise"} else []
        return [
            *(["rescale"] if used & {"conv", "depthwise"} else []),
        ]

    def _opening(self) -> str:
        upper, is_wide = self.name.upper(), self.program.activation == "int16"
        return f"""\
/* The model of {self.stem}.h and everything that runs it. C99, valid C++11. Do not edit. SHA-256 "{NO_DIGEST}" */
#include "{self.stem}.h"

#if {upper}_DIGEST != 0x{NO_DIGEST[:8]}u
#error "{self.stem}.h and {self.stem}.c come from different exports"
#endif

typedef {self.program.activation}_t value_t;   /* of the numbers between layers */
typedef {self.program.sum_type}_t sum_t;     /* of sums of their products with weights */
typedef {self.program.sum_type}_t bias_t;
typedef {"int16_t" if is_wide else "int32_t"} multiplier_t;
#define RESCALE_CONV {"rescale_wide" if is_wide else "rescale"}
"""

    def _constants(self) -> list[tuple[str, Array]]:
        """Return name and values of each constant."""
        found: list[tuple[str, Array]] = []
        for place, step in enumerate(self.program.steps):
            for number, call in enumerate(step.calls):
                for setting, item in call.settings.items():
                    if isinstance(item, np.ndarray):
                        found.append((f"{setting}_{_tag(place, number)}", self._stored(item)))
                for source in call.inputs:
                    constant = self.program.values[source].constant
                    if constant is not None and (f"constant_{source}", constant) not in found:
                        found.append((f"constant_{source}", constant))
        if len(self.golden.scores):
            found += [("golden_pixels", pack_images(self.golden.images)), ("golden_scores", self.golden.scores)]
        return found

    def _stored(self, item: Array) -> Array:
        """Return a constant as it is stored: the kernels take tables of bytes as bytes of the activations' type."""
        return item.view(np.int8) if item.dtype == np.uint8 else item

    def _data(self) -> str:
        lines = [
            f"static const {array.dtype.name}_t {name}[{array.size}] = {{\n{numbers_text(array)}}};\n"
            for name, array in self._constants()
        ]
        lines += [
            self._struct(step.kernel, _tag(place, number), call)
            for place, step in enumerate(self.program.steps)
            for number, call in enumerate(step.calls)
            if step.kernel not in WITHOUT_STRUCT
        ]
        item = np.dtype(self.program.activation).itemsize
        scores = self.program.values[self.program.output]
        lines.append("/* Working memory. A value's place is used again when nothing needs it any more. */")
        values = f"value_t values[{math.ceil(self.memory.size / item)}];"
        box = f" double box[{PREPARE_BYTES // 8}];" if self.prepares else ""
        has_windows = any(step.scratch for step in self.program.steps)
        windows = f" int16_t windows[{math.ceil(self.memory.size / 2)}];" if has_windows else ""
        lines.append(f"static union {{ {values}{windows}{box} }} memory;")
        lines.append(f"static {scores.dtype}_t scores[{scores.size}];")
        lines.append("static int32_t answer;\n")
        return "\n".join(lines)

    def _struct(self, kernel: str, tag: str, call: Call) -> str:
        shared = {"max_pool": "pool", "average_pool": "pool"}
        members = [
            text if isinstance(item, np.ndarray) else f"{text} /* {setting} */"
            for text, (setting, item) in zip(_settings(call, tag), call.settings.items(), strict=True)
        ]
        return f"static const struct {shared.get(kernel, kernel)}_layer layer_{tag} = {{\n{_wrapped(members)}}};\n"

    def _run(self) -> str:
        lines = ["static void run(const uint8_t *pixels)", "{"]
        for place, step in enumerate(self.program.steps):
            is_plain = step.kernel in WITHOUT_STRUCT
            for number, call in enumerate(step.calls):
                tag = _tag(place, number)
                kind = "const uint8_t" if is_plain else "const value_t"
                inputs = [self._pointer(source, kind) for source in call.inputs]
                output = self._pointer(step.output, "uint8_t" if step.kernel == "flip" else "value_t")
                if step.scratch:
                    inputs.append(f"memory.windows + {self.memory.offsets[scratch_number(place)] // 2}")
                arguments = [*(_settings(call, tag) if is_plain else [f"&layer_{tag}"]), *inputs, output]
                lines.append(f"  {step.kernel}({', '.join(arguments)});")
        return "\n".join([*lines, "}\n"])

    def _pointer(self, number: int, wanted: str) -> str:
        """Return an expression for the place of a value, as a pointer to `wanted`."""
        number = self.program.storage(number)
        value = self.program.values[number]
        if number == self.program.input:
            text, kind = "pixels", "uint8_t"
        elif number == self.program.storage(self.program.output):
            text, kind = "scores", f"{value.dtype}_t"
        elif value.constant is not None:
            text, kind = f"constant_{number}", "value_t"
        else:
            offset = self.memory.offsets[number] // np.dtype(self.program.activation).itemsize
            text, kind = f"memory.values + {offset}" if offset else "memory.values", "value_t"
        if kind == wanted.removeprefix("const "):
            return text
        return f"({wanted} *)({text})" if " " in text else f"({wanted} *){text}"

    def _functions(self) -> str:
        name, upper = self.name, self.name.upper()
        labels = ", ".join(map(c_string, self.labels))
        scores = self.program.values[self.program.output]
        return f"""\
const char *const {name}_labels[{upper}_LABEL_COUNT] = {{{labels}}};

int32_t {name}_classify(const uint8_t *pixels)
{{
  int32_t i;
  if (!pixels) {{
    return -1;
  }}
  run(pixels);
  answer = 0;
  for (i = 1; i < {upper}_LABEL_COUNT; i++) {{
    if (scores[i] > scores[answer]) {{
      answer = i;
    }}
  }}
  return answer;
}}

const {scores.dtype}_t *{name}_scores(void)
{{
  return scores;
}}

{self._score()}
float {name}_confidence(void)
{{
  return {name}_score(answer);
}}
"""

    def _score(self) -> str:
        name, upper = self.name, self.name.upper()
        real = f"(float)(scores[@] - {upper}_OUTPUT_ZERO_POINT) * {upper}_OUTPUT_SCALE"
        if self.activation is None:
            body = f"  return {real.replace('@', 'label')};"
        elif self.activation == "sigmoid":
            body = f"""\
  const float logit = {real.replace("@", "label")};
  const float power = exponential(logit < 0.0f ? logit : -logit);
  return (logit < 0.0f ? power : 1.0f) / (1.0f + power);"""
        else:
            body = f"""\
  int32_t i, best = 0;
  float sum = 0.0f;
  for (i = 1; i < {upper}_LABEL_COUNT; i++) {{
    best = scores[i] > scores[best] ? i : best;
  }}
  for (i = 0; i < {upper}_LABEL_COUNT; i++) {{
    sum += exponential((float)(scores[i] - scores[best]) * {upper}_OUTPUT_SCALE);
  }}
  return exponential((float)(scores[label] - scores[best]) * {upper}_OUTPUT_SCALE) / sum;"""
        declarations, _, rest = body.partition("\n  for")
        rest = f"\n  for{rest}" if rest else ""
        guard = f"  if (label < 0 || label >= {upper}_LABEL_COUNT) {{\n    return 0.0f;\n  }}\n"
        if rest:
            return f"float {name}_score(int32_t label)\n{{\n{declarations}\n{guard}{rest.lstrip(chr(10))}\n}}\n"
        return f"float {name}_score(int32_t label)\n{{\n{guard}{body}\n}}\n"

    def _prepare(self) -> str:
        return f"""\
int32_t {self.name}_prepare(const uint8_t *gray, int32_t width, int32_t height, int32_t stride, uint8_t *out)
{{
  if (!gray || !out || width < 1 || height < 1 || width > LONGEST || height > LONGEST || stride < width ||
      stride > INT32_MAX / LONGEST) {{
    return {self.name.upper()}_WRONG_SIZE;
  }}
  return prepare(gray, width, height, stride, memory.box, out);
}}
"""

    def _self_test(self) -> str:
        name, upper = self.name, self.name.upper()
        count = len(self.golden.scores)
        if not count:
            return f"int32_t {name}_self_test(void)\n{{\n  return 0;\n}}\n"
        offset = self.memory.offsets[self.program.input] // np.dtype(self.program.activation).itemsize
        return f"""\
int32_t {name}_self_test(void)
{{
  uint8_t *const pixels = (uint8_t *)(memory.values + {offset});
  const uint8_t *packed = golden_pixels;
  int32_t image, i;
  for (image = 0; image < {count}; image++) {{
    packed = unpack(packed, {upper}_PIXELS, pixels);
    {name}_classify(pixels);
    for (i = 0; i < {upper}_LABEL_COUNT; i++) {{
      if (scores[i] != golden_scores[image * {upper}_LABEL_COUNT + i]) {{
        return image + 1;
      }}
    }}
  }}
  return 0;
}}
"""


def pack_images(images: npt.NDArray[np.uint8]) -> npt.NDArray[np.uint8]:
    """Pack images: each run of up to 255 zeros becomes a 0 and its length; no run goes on in the next image.

    Examples
    --------
    >>> pack_images(np.array([[7, 0, 0], [0, 0, 9]], np.uint8)).tolist()
    [7, 0, 2, 0, 2, 9]
    """
    packed: list[int] = []
    for image in images.reshape(len(images), -1).tolist():
        run = 0
        for pixel in [*image, None]:
            if run and (pixel != 0 or run == LONGEST_RUN):
                packed += [0, run]
                run = 0
            if pixel == 0:
                run += 1
            elif pixel is not None:
                packed.append(pixel)
    return np.array(packed, np.uint8)


def unpack_images(packed: npt.NDArray[np.uint8]) -> npt.NDArray[np.uint8]:
    """Return the pixels of packed images.

    Examples
    --------
    >>> unpack_images(np.array([7, 0, 2, 0, 2, 9], np.uint8)).tolist()
    [7, 0, 0, 0, 0, 9]
    """
    numbers, place = packed.tolist(), 0
    pixels: list[int] = []
    while place < len(numbers):
        if numbers[place] == 0:
            pixels += [0] * (numbers[place + 1] if place + 1 < len(numbers) else 0)
            place += 2
        else:
            pixels.append(numbers[place])
            place += 1
    return np.array(pixels, np.uint8)


def _settings(call: Call, tag: str) -> list[str]:
    """Return each setting: a number, or the name of a constant."""
    return [
        f"{setting}_{tag}" if isinstance(item, np.ndarray) else str(item) for setting, item in call.settings.items()
    ]


def _tag(place: int, number: int) -> str:
    return f"{place}_{number}" if number else str(place)


def _wrapped(members: list[str]) -> str:
    lines, line = [], ""
    for member in members:
        word = f"{member},"
        if line and len(line) + len(word) + 1 > 100:
            lines.append(f"  {line}")
            line = word
        else:
            line = f"{line} {word}" if line else word
    return "\n".join([*lines, f"  {line.removesuffix(',')}"])

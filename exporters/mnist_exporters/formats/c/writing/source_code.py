"""Text of the C source file: the kernels of a program, its constants, and the functions of the header."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from mnist_exporters.formats.c.graph import Array, Call, Program
from mnist_exporters.formats.c.memory import Memory, scratch_number
from mnist_exporters.formats.c.writing.functions import Functions
from mnist_exporters.formats.c.writing.kernel_files import kernel_text, struct_of, with_needed
from mnist_exporters.formats.c.writing.packed_images import pack_images
from mnist_exporters.formats.c_pair import NO_DIGEST, initializer, numbers_text
from mnist_runtime import Golden

__all__ = ["SourceCode"]

PREPARE_BYTES = 20 * 20 * 8
"""Bytes of working memory for preparing a picture: 20 x 20 pixels as doubles."""

WIDTH = 100
"""Maximum length of a line in a struct, in characters, without the indentation."""


@dataclass(frozen=True)
class SourceCode:
    """The C source file of a model.

    Parameters
    ----------
    program : Program
        The model as steps.
    stem, name : str
        Name of the header without its suffix, and the C identifier made from it.
    labels : tuple of str
        Names of the classes.
    activation : str or None
        Function that turns logits into scores, ``"softmax"`` or ``"sigmoid"``; None if the program gives scores.
    golden : Golden
        Images and scores of the self-test; none for a file that is not proven yet.
    prepares : bool
        Whether to add a function that prepares pictures of handwriting, as the runtime does.
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
        """The memory plan."""
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
            self._functions().text(),
        ]
        return "\n".join(parts)

    def _rescaling(self) -> list[str]:
        if not {*self.program.kernels} & {"conv", "depthwise"}:
            return []
        return ["rescale_wide" if self.program.activation == "int16" else "rescale"]

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
                        found.append((f"{setting}_{_tag(place, number)}", self._stored(setting, item)))
                for source in call.inputs:
                    constant = self.program.values[source].constant
                    if constant is not None and (f"constant_{source}", constant) not in found:
                        found.append((f"constant_{source}", constant))
        if len(self.golden.scores):
            found += [("golden_pixels", pack_images(self.golden.images)), ("golden_scores", self.golden.scores)]
        return found

    def _stored(self, setting: str, item: Array) -> Array:
        """Return a constant in the type that the kernels need: a table of bytes as int8, a bias as `sum_type`."""
        if setting == "bias":
            return item.astype(self.program.sum_type)
        return item.view(np.int8) if item.dtype == np.uint8 else item

    def _data(self) -> str:
        lines = [
            f"static const {array.dtype.name}_t {name}[{array.size}] = {{\n{numbers_text(array)}}};\n"
            for name, array in self._constants()
        ]
        lines += [
            self._struct(struct, _tag(place, number), call)
            for place, step in enumerate(self.program.steps)
            if (struct := struct_of(step.kernel))
            for number, call in enumerate(step.calls)
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

    def _struct(self, struct: str, tag: str, call: Call) -> str:
        members = [
            text if isinstance(item, np.ndarray) else f"{text} /* {setting} */"
            for text, (setting, item) in zip(_settings(call, tag), call.settings.items(), strict=True)
        ]
        lines = initializer(members, WIDTH)
        return f"static const struct {struct} layer_{tag} = {{\n{lines}}};\n"

    def _run(self) -> str:
        lines = ["static void run(const uint8_t *pixels)", "{"]
        for place, step in enumerate(self.program.steps):
            is_plain = struct_of(step.kernel) is None
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
        """Return a C expression: the address of tensor `number`, as a pointer to the C type `wanted`."""
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

    def _functions(self) -> Functions:
        place = self.memory.offsets[self.program.input] // np.dtype(self.program.activation).itemsize
        dtype, count = self.program.scores.dtype, len(self.golden.scores)
        return Functions(self.name, self.labels, dtype, self.activation, place, count, self.prepares)


def _settings(call: Call, tag: str) -> list[str]:
    """Return each setting: a number, or the name of a constant."""
    return [
        f"{setting}_{tag}" if isinstance(item, np.ndarray) else str(item) for setting, item in call.settings.items()
    ]


def _tag(place: int, number: int) -> str:
    return f"{place}_{number}" if number else str(place)

"""`Functions`: the C functions that the header declares."""

from __future__ import annotations

from dataclasses import dataclass

from mnist_exporters.formats.c_pair import c_string

__all__ = ["Functions"]


@dataclass(frozen=True)
class Functions:
    """Text of the functions that a user of the C code calls.

    Parameters
    ----------
    name : str
        Prefix of the function names.
    labels : tuple of str
        Names of the classes.
    dtype : str
        Type of the scores, such as ``"int8"``.
    activation : str or None
        Function that turns logits into scores, ``"softmax"`` or ``"sigmoid"``; None if the program gives scores.
    pixels : int
        Index in the working memory, in elements, at which the self-test unpacks its images.
    golden : int
        Number of images in the self-test.
    prepares : bool
        Whether to add a function that prepares pictures, as the runtime does.
    """

    name: str
    labels: tuple[str, ...]
    dtype: str
    activation: str | None
    pixels: int
    golden: int
    prepares: bool

    def text(self) -> str:
        """Return the C code of the functions."""
        parts = [self._classify(), self._self_test(), *([self._prepare()] if self.prepares else [])]
        return "\n".join(parts)

    def _classify(self) -> str:
        name, upper = self.name, self.name.upper()
        labels = ", ".join(map(c_string, self.labels))
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

const {self.dtype}_t *{name}_scores(void)
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
        count = self.golden
        if not count:
            return f"int32_t {name}_self_test(void)\n{{\n  return 0;\n}}\n"
        return f"""\
int32_t {name}_self_test(void)
{{
  uint8_t *const pixels = (uint8_t *)(memory.values + {self.pixels});
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

/* `exponentials` has exp(x) for x from -10 to 0, and `inverses` has 1 / (1 + x) for x from 0 to 1, both with 15
   fractional bits. */
struct softmax_wide_layer {
  const int16_t *exponentials, *inverses;
  int32_t multiplier, shift, rows, depth;
};

static void softmax_wide(const struct softmax_wide_layer *s, const int16_t *in, int16_t *out)
{
  int32_t row, i;
  for (row = 0; row < s->rows; row++) {
    int32_t greatest = in[0], sum = 0, width = 0, shifted, inverse;
    for (i = 1; i < s->depth; i++) {
      greatest = in[i] > greatest ? in[i] : greatest;
    }
    for (i = 0; i < s->depth; i++) {
      const int32_t scaled = rescale(in[i] - greatest, s->multiplier, s->shift);
      const int32_t at = scaled < -65535 ? -32768 : scaled + 32767;
      out[i] = (int16_t)interpolate(s->exponentials, at);
      sum += out[i];
    }
    while (sum >> width != 0) {
      width++;
    }
    shifted = (int32_t)((((int64_t)sum << (31 - width)) + 8192) >> 14) - 98304;
    inverse = interpolate(s->inverses, shifted > 32767 ? 32767 : shifted);
    for (i = 0; i < s->depth; i++) {
      const int32_t value = (int32_t)(((int64_t)out[i] * inverse + ((int64_t)1 << (width - 2))) >> (width - 1));
      out[i] = (int16_t)(value > 32767 ? 32767 : value);
    }
    in += s->depth;
    out += s->depth;
  }
}

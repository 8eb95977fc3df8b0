/* Fixed-point numbers: `exponentials` has exp(-d * step) for a distance d to the greatest input, with 31 fractional
   bits; it ends where they are 0. */
struct softmax_layer {
  const int32_t *exponentials;
  int32_t length, rows, depth;
};

/* Return a * b / 2^31, rounded, ties up; -2^31 times itself saturates. */
static int32_t high_product(int32_t a, int32_t b)
{
  const int64_t product = ((int64_t)a * b + ((int64_t)1 << 30)) >> 31;
  return (int32_t)(product > INT32_MAX ? INT32_MAX : product);
}

/* Return y, with 1 / x close to y * 2^(-31 - bits), for an x above 0 with 19 fractional bits: Newton-Raphson. */
static int32_t reciprocal(int32_t x, int32_t *bits)
{
  int32_t width = 0, half_denominator, estimate, turn;
  while (width < 31 && x >> width != 0) {
    width++;
  }
  *bits = width - 20;
  half_denominator = (int32_t)((uint32_t)x << (31 - width));
  estimate = 1515870810 + high_product(half_denominator, -1010580540); /* 48 / 17 - 32 / 17 * x */
  for (turn = 0; turn < 3; turn++) {
    const int64_t change = 4 * (int64_t)high_product(estimate, ((int32_t)1 << 29) - high_product(half_denominator, estimate));
    estimate += (int32_t)(change > INT32_MAX ? INT32_MAX : change < INT32_MIN ? INT32_MIN : change);
  }
  return estimate > INT32_MAX / 2 ? INT32_MAX : estimate * 2;
}

static void softmax(const struct softmax_layer *s, const int8_t *in, int8_t *out)
{
  int32_t row, i, bits, inverse;
  for (row = 0; row < s->rows; row++) {
    int32_t greatest = in[0], sum = 0;
    for (i = 1; i < s->depth; i++) {
      greatest = in[i] > greatest ? in[i] : greatest;
    }
    for (i = 0; i < s->depth; i++) {
      const int32_t distance = greatest - in[i];
      if (distance < s->length) {
        const int32_t part = s->exponentials[distance];
        sum += (part >> 12) + ((part >> 11) & 1);
      }
    }
    inverse = reciprocal(sum, &bits);
    for (i = 0; i < s->depth; i++) {
      const int32_t distance = greatest - in[i];
      const int32_t part = distance < s->length ? high_product(s->exponentials[distance], inverse) : 0;
      const int32_t value = (int32_t)(((int64_t)part + ((int64_t)1 << (bits + 22))) >> (bits + 23)) - 128;
      out[i] = (int8_t)(value > 127 ? 127 : value);
    }
    in += s->depth;
    out += s->depth;
  }
}

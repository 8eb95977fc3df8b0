/* A dense layer on 16-bit numbers, for each of `rows` rows. Weights are [outputs][inputs]. A factor has 54 bits, 18 in
   each of `multiplier`'s three numbers, the lowest first. */
struct dense_wide_layer {
  const int8_t *weights;
  const bias_t *bias;
  const int32_t *multiplier;
  const int8_t *shift;
  int32_t rows, inputs, outputs;
  int16_t offset; /* is added to each input */
  int16_t zero_point, low, high; /* of the output */
};

static void dense_wide(const struct dense_wide_layer *s, const int16_t *in, int16_t *out)
{
  int32_t row, channel;
  for (row = 0; row < s->rows; row++) {
    for (channel = 0; channel < s->outputs; channel++) {
      const int32_t *factor = s->multiplier + 3 * channel;
      const int64_t sum = (int64_t)s->bias[channel] + dot(in, s->weights + channel * s->inputs, s->inputs, s->offset);
      const int64_t low = (sum * factor[0]) >> 18;
      const int64_t high = sum * factor[2] + ((sum * factor[1] + low) >> 18);
      const int64_t value = (high + ((int64_t)1 << (17 - s->shift[channel]))) >> (18 - s->shift[channel]);
      *out++ = clamp((int32_t)value, s->low, s->high);
    }
    in += s->inputs;
  }
}

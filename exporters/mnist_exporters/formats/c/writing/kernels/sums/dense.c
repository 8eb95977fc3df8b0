/* A dense layer, for each of `rows` rows. Weights are [outputs][inputs]. */
struct dense_layer {
  const int8_t *weights;
  const bias_t *bias;
  const int32_t *multiplier;
  const int8_t *shift;
  int32_t rows, inputs, outputs;
  int16_t offset; /* is added to each input */
  int16_t zero_point, low, high; /* of the output */
};

static void dense(const struct dense_layer *s, const value_t *in, value_t *out)
{
  int32_t row, channel;
  for (row = 0; row < s->rows; row++) {
    for (channel = 0; channel < s->outputs; channel++) {
      const sum_t sum =
          (sum_t)s->bias[channel] + dot(in, s->weights + channel * s->inputs, s->inputs, s->offset);
      *out++ = clamp(rescale_once(sum, s->multiplier[channel], s->shift[channel]) + s->zero_point, s->low, s->high);
    }
    in += s->inputs;
  }
}

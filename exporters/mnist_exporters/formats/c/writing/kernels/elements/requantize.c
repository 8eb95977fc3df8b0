/* Change the scale and the zero point of values. */
struct requantize_layer {
  int32_t count, multiplier, shift;
  int16_t offset; /* is added to each input */
  int16_t zero_point, low, high; /* of the output */
};

static void requantize(const struct requantize_layer *s, const value_t *in, value_t *out)
{
  int32_t i;
  for (i = 0; i < s->count; i++) {
    out[i] = clamp(rescale(in[i] + s->offset, s->multiplier, s->shift) + s->zero_point, s->low, s->high);
  }
}

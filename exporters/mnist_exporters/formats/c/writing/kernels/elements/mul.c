/* The product of two tensors; the second, of `period` values, is repeated. */
struct mul_layer {
  int32_t count, period, multiplier, shift;
  int16_t offset, other_offset; /* are added to the inputs */
  int16_t zero_point, low, high; /* of the output */
};

static void mul(const struct mul_layer *s, const value_t *in, const value_t *other, value_t *out)
{
  int32_t i, place = 0;
  for (i = 0; i < s->count; i++) {
    const int32_t product = (int32_t)(in[i] + s->offset) * (other[place] + s->other_offset);
    out[i] = clamp(rescale(product, s->multiplier, s->shift) + s->zero_point, s->low, s->high);
    place = place + 1 == s->period ? 0 : place + 1;
  }
}

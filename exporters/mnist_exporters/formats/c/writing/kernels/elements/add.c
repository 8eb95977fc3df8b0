/* The sum of two tensors; the second, of `period` values, is repeated. Both are first brought to a common scale. */
struct add_layer {
  int32_t count, period, unit; /* unit: factor of that scale */
  int32_t multiplier, shift, other_multiplier, other_shift, out_multiplier, out_shift;
  int16_t offset, other_offset; /* are added to the inputs */
  int16_t zero_point, low, high; /* of the output */
};

static void add(const struct add_layer *s, const value_t *in, const value_t *other, value_t *out)
{
  int32_t i, place = 0;
  for (i = 0; i < s->count; i++) {
    const int32_t first = rescale((in[i] + s->offset) * s->unit, s->multiplier, s->shift);
    const int32_t second = rescale((other[place] + s->other_offset) * s->unit, s->other_multiplier, s->other_shift);
    out[i] = clamp(rescale(first + second, s->out_multiplier, s->out_shift) + s->zero_point, s->low, s->high);
    place = place + 1 == s->period ? 0 : place + 1;
  }
}

/* The mean of each channel over all `places`. */
struct mean_layer {
  int32_t places, depth;
  int32_t total_offset; /* is added to the sum of a channel */
  int32_t multiplier, shift;
  int16_t zero_point, low, high; /* of the output */
};

static void mean(const struct mean_layer *s, const value_t *in, value_t *out)
{
  int32_t channel, place;
  for (channel = 0; channel < s->depth; channel++) {
    int32_t sum = s->total_offset;
    for (place = 0; place < s->places; place++) {
      sum += in[place * s->depth + channel];
    }
    out[channel] = clamp(rescale(sum, s->multiplier, s->shift) + s->zero_point, s->low, s->high);
  }
}

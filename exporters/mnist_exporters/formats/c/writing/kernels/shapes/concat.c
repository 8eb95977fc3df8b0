/* Copy `blocks` blocks of one input into the output, in which the blocks of all inputs alternate. */
struct concat_layer {
  int32_t blocks, length, start, step; /* in values; start and step are of the output */
};

static void concat(const struct concat_layer *s, const value_t *in, value_t *out)
{
  int32_t block, i;
  for (block = 0; block < s->blocks; block++) {
    for (i = 0; i < s->length; i++) {
      out[s->start + block * s->step + i] = in[block * s->length + i];
    }
  }
}

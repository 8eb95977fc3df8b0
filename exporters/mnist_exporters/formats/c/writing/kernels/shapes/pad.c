/* Pad with a value. */
struct pad_layer {
  int32_t height, width, depth, top, left, front, out_height, out_width, out_depth;
  int16_t value;
};

static void pad(const struct pad_layer *s, const value_t *in, value_t *out)
{
  int32_t y, x, channel;
  for (y = -s->top; y < s->out_height - s->top; y++) {
    for (x = -s->left; x < s->out_width - s->left; x++) {
      for (channel = -s->front; channel < s->out_depth - s->front; channel++) {
        const int inside =
            y >= 0 && y < s->height && x >= 0 && x < s->width && channel >= 0 && channel < s->depth;
        *out++ = inside ? in[(y * s->width + x) * s->depth + channel] : (value_t)s->value;
      }
    }
  }
}

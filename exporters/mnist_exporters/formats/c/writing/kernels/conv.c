/* A convolution. Weights are [out_depth][window_height][window_width][depth]. Each window is first copied into `window`,
   with zeros for padding, so that the sums run over numbers in a row. */
struct conv_layer {
  const int8_t *weights;
  const bias_t *bias;
  const multiplier_t *multiplier;
  const int8_t *shift;
  int32_t height, width, depth;
  int32_t window_height, window_width, stride_y, stride_x, pad_top, pad_left;
  int32_t out_height, out_width, out_depth;
  int16_t offset; /* is added to each input */
  int16_t zero_point, low, high; /* of the output */
};

static void copy_window(const struct conv_layer *s, const value_t *in, int32_t top, int32_t left, int16_t *window)
{
  const int32_t length = s->window_width * s->depth, first = left * s->depth, end = s->width * s->depth;
  int32_t row, i;
  for (row = top; row < top + s->window_height; row++) {
    const value_t *values = in + (row * s->width + left) * s->depth;
    if (row < 0 || row >= s->height) {
      for (i = 0; i < length; i++) {
        *window++ = 0;
      }
    } else if (first >= 0 && first + length <= end) {
      for (i = 0; i < length; i++) {
        *window++ = (int16_t)(values[i] + s->offset);
      }
    } else {
      for (i = 0; i < length; i++) {
        *window++ = (int16_t)(first + i < 0 || first + i >= end ? 0 : values[i] + s->offset);
      }
    }
  }
}

static void conv(const struct conv_layer *s, const value_t *in, int16_t *window, value_t *out)
{
  const int32_t count = s->window_height * s->window_width * s->depth;
  int32_t y, x, channel;
  for (y = 0; y < s->out_height; y++) {
    for (x = 0; x < s->out_width; x++) {
      copy_window(s, in, y * s->stride_y - s->pad_top, x * s->stride_x - s->pad_left, window);
      for (channel = 0; channel < s->out_depth; channel++) {
        const sum_t sum = (sum_t)s->bias[channel] + dot_window(window, s->weights + channel * count, count);
        *out++ = clamp(RESCALE_CONV(sum, s->multiplier[channel], s->shift[channel]) + s->zero_point, s->low, s->high);
      }
    }
  }
}

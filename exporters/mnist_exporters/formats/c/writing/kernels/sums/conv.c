/* A convolution. Weights are [out_depth][window_height][window_width][depth]. Each window is first copied into `window`,
   with zeros for padding, so that the sums run over consecutive numbers. With a pooling, only the greatest of
   pool_height x pool_width neighbours is kept, so that the input of the pooling needs no memory. */
struct conv_layer {
  const int8_t *weights;
  const bias_t *bias;
  const multiplier_t *multiplier;
  const int8_t *shift;
  int32_t height, width, depth;
  int32_t window_height, window_width, stride_y, stride_x, pad_top, pad_left;
  int32_t out_height, out_width, dilation_y, dilation_x, out_depth, pool_height, pool_width;
  int16_t offset; /* is added to each input */
  int16_t zero_point, low, high; /* of the output */
};

static void copy_window(const struct conv_layer *s, const value_t *in, int32_t top, int32_t left, int16_t *window)
{
  /* A row of the window is one piece of the image; if the window is dilated, each of its places is a piece. */
  const int32_t pieces = s->dilation_x == 1 ? 1 : s->window_width;
  const int32_t length = s->window_width / pieces * s->depth, end = s->width * s->depth;
  int32_t line, piece, i;
  for (line = 0; line < s->window_height; line++) {
    const int32_t row = top + line * s->dilation_y;
    for (piece = 0; piece < pieces; piece++) {
      const int32_t first = (left + piece * s->dilation_x) * s->depth;
      const value_t *values = in + row * end + first;
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
}

static void conv(const struct conv_layer *s, const value_t *in, int16_t *window, value_t *out)
{
  const int32_t count = s->window_height * s->window_width * s->depth;
  const int32_t step_y = s->pool_height * s->stride_y, step_x = s->pool_width * s->stride_x;
  int32_t y, x, row, column, channel;
  for (y = 0; y < s->out_height; y++) {
    for (x = 0; x < s->out_width; x++) {
      for (channel = 0; channel < s->out_depth; channel++) {
        out[channel] = (value_t)s->low;
      }
      for (row = 0; row < s->pool_height; row++) {
        for (column = 0; column < s->pool_width; column++) {
          copy_window(s, in, y * step_y + row * s->stride_y - s->pad_top,
                      x * step_x + column * s->stride_x - s->pad_left, window);
          for (channel = 0; channel < s->out_depth; channel++) {
            const sum_t sum = (sum_t)s->bias[channel] + dot_window(window, s->weights + channel * count, count);
            const value_t value =
                clamp(RESCALE_CONV(sum, s->multiplier[channel], s->shift[channel]) + s->zero_point, s->low, s->high);
            out[channel] = value > out[channel] ? value : out[channel];
          }
        }
      }
      out += s->out_depth;
    }
  }
}

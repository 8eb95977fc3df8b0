/* A depthwise convolution: each channel of the input gives `times` channels of the output. Padding is not part of the
   sums. Weights are [window_height][window_width][depth * times]. */
struct depthwise_layer {
  const int8_t *weights;
  const bias_t *bias;
  const multiplier_t *multiplier;
  const int8_t *shift;
  int32_t height, width, depth;
  int32_t window_height, window_width, stride_y, stride_x, pad_top, pad_left;
  int32_t out_height, out_width, dilation_y, dilation_x, times;
  int16_t offset; /* is added to each input */
  int16_t zero_point, low, high; /* of the output */
};

/* Return how many places, `gap` apart, fit in `length`. */
static int32_t places(int32_t length, int32_t gap)
{
  return length < 0 ? 0 : (length + gap - 1) / gap;
}

static void depthwise(const struct depthwise_layer *s, const value_t *in, value_t *out)
{
  const int32_t out_depth = s->depth * s->times;
  int32_t y, x, channel, row, column;
  for (y = 0; y < s->out_height; y++) {
    const int32_t top = y * s->stride_y - s->pad_top;
    const int32_t first_row = places(-top, s->dilation_y), rows = places(s->height - top, s->dilation_y);
    const int32_t end_row = rows < s->window_height ? rows : s->window_height;
    for (x = 0; x < s->out_width; x++) {
      const int32_t left = x * s->stride_x - s->pad_left;
      const int32_t first = places(-left, s->dilation_x), columns = places(s->width - left, s->dilation_x);
      const int32_t end = columns < s->window_width ? columns : s->window_width;
      for (channel = 0; channel < out_depth; channel++) {
        sum_t sum = (sum_t)s->bias[channel];
        for (row = first_row; row < end_row; row++) {
          for (column = first; column < end; column++) {
            const int32_t pixel = (top + row * s->dilation_y) * s->width + left + column * s->dilation_x;
            const int32_t place = pixel * s->depth + channel / s->times;
            const int8_t weight = s->weights[(row * s->window_width + column) * out_depth + channel];
            sum += (int32_t)(int16_t)(in[place] + s->offset) * weight;
          }
        }
        *out++ = clamp(RESCALE_CONV(sum, s->multiplier[channel], s->shift[channel]) + s->zero_point, s->low, s->high);
      }
    }
  }
}

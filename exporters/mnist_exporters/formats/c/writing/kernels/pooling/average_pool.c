/* The mean of each window, ties rounded away from zero. */
static void average_pool(const struct pool_layer *s, const value_t *in, value_t *out)
{
  int32_t y, x, channel, row, column;
  for (y = 0; y < s->out_height; y++) {
    const int32_t top = y * s->stride_y - s->pad_top;
    const int32_t first_row = top < 0 ? 0 : top;
    const int32_t end_row = top + s->window_height > s->height ? s->height : top + s->window_height;
    for (x = 0; x < s->out_width; x++) {
      const int32_t left = x * s->stride_x - s->pad_left;
      const int32_t first = left < 0 ? 0 : left;
      const int32_t end = left + s->window_width > s->width ? s->width : left + s->window_width;
      const int32_t count = (end_row - first_row) * (end - first);
      for (channel = 0; channel < s->depth; channel++) {
        int32_t sum = 0;
        for (row = first_row; row < end_row; row++) {
          for (column = first; column < end; column++) {
            sum += in[(row * s->width + column) * s->depth + channel];
          }
        }
        *out++ = clamp((sum > 0 ? sum + count / 2 : sum - count / 2) / count, s->low, s->high);
      }
    }
  }
}

/* Windows of a pooling. Padding is left out. */
struct pool_layer {
  int32_t height, width, depth;
  int32_t window_height, window_width, stride_y, stride_x, pad_top, pad_left;
  int32_t out_height, out_width;
  int16_t low, high; /* of the output */
};

/* Return x * multiplier * 2^(shift - 31), rounded once, ties up. */
static int32_t rescale_once(int32_t x, int32_t multiplier, int32_t shift)
{
  return (int32_t)((x * (int64_t)multiplier + ((int64_t)1 << (30 - shift))) >> (31 - shift));
}

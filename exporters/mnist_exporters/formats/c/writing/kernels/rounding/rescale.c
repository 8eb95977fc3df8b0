/* Return x * multiplier * 2^(shift - 31), rounded twice: ties up, then ties away from zero. */
static int32_t rescale(int32_t x, int32_t multiplier, int32_t shift)
{
  const int64_t scaled = shift > 0 ? x * ((int64_t)1 << shift) : x;
  const int32_t high = (int32_t)((scaled * multiplier + ((int64_t)1 << 30)) >> 31);
  const int64_t half = shift < 0 ? ((int64_t)1 << -shift) >> 1 : 0;
  return (int32_t)((high + half - (high < 0 && half > 0)) >> (shift < 0 ? -shift : 0));
}

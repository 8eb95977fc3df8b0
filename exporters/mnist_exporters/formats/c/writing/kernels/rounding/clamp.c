/* Return the value, or the nearer bound if it is outside of them. */
static value_t clamp(int32_t value, int32_t low, int32_t high)
{
  return (value_t)(value < low ? low : value > high ? high : value);
}

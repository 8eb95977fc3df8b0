/* Return the sum of values[i] * weights[i]. */
static sum_t dot_window(const int16_t *values, const int8_t *weights, int32_t count)
{
  sum_t sum = 0;
  int32_t i;
  for (i = 0; i < count; i++) {
    sum += (int32_t)values[i] * weights[i];
  }
  return sum;
}

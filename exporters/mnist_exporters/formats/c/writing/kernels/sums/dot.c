/* Return the sum of (values[i] + offset) * weights[i]. */
static sum_t dot(const value_t *values, const int8_t *weights, int32_t count, int16_t offset)
{
  sum_t sum = 0;
  int32_t i;
  for (i = 0; i < count; i++) {
    sum += (int32_t)(int16_t)(values[i] + offset) * weights[i];
  }
  return sum;
}

/* Return the value of a function at `at`, -32768..32767, interpolated in a table of 513 places. */
static int32_t interpolate(const int16_t *table, int32_t at)
{
  const int32_t place = (at + 32768) / 128, part = (at + 32768) % 128;
  const int32_t slope = (int32_t)table[place + 1] - table[place];
  return table[place] + ((slope * part + 64) >> 7);
}

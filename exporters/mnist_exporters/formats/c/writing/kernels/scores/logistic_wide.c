/* The sigmoid of 16-bit numbers, interpolated in a table of 256 places, 1/24 apart. */
struct logistic_wide_layer {
  const uint16_t *table;
  int32_t count, multiplier, shift;
};

static void logistic_wide(const struct logistic_wide_layer *s, const int16_t *in, int16_t *out)
{
  const int32_t half = s->shift > 0 ? (int32_t)1 << (s->shift - 1) : 0;
  int32_t i;
  for (i = 0; i < s->count; i++) {
    const int32_t x = (in[i] * s->multiplier + half) >> s->shift;
    const uint32_t size = (uint32_t)(x < 0 ? -x : x);
    const uint32_t place = size >> 9;
    uint32_t value = (uint32_t)0x7FFF << 10;
    if (place < 255) {
      const uint32_t low = s->table[place], high = s->table[place + 1];
      value = (low << 9) + (size & 0x1FF) * (high - low);
    }
    value = x >= 0 ? value + 512 : ((uint32_t)1 << 25) - value + 512 - 1;
    out[i] = (int16_t)(value >> 10);
  }
}

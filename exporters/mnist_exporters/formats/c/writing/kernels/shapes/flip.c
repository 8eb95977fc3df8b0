/* Convert between uint8 and int8 of the same scale, whose zero points differ by 128. */
static void flip(int32_t count, const uint8_t *in, uint8_t *out)
{
  int32_t i;
  for (i = 0; i < count; i++) {
    out[i] = (uint8_t)(in[i] ^ 0x80);
  }
}

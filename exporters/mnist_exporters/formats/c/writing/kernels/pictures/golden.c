/* Unpack an image, and return the place after it: a 0 is followed by the number of zeros. */
static const uint8_t *unpack(const uint8_t *packed, int32_t count, uint8_t *pixels)
{
  while (count > 0) {
    const uint8_t value = *packed++;
    int32_t run = value == 0 ? *packed++ : 1;
    for (; run > 0 && count > 0; run--, count--) {
      *pixels++ = value;
    }
  }
  return packed;
}

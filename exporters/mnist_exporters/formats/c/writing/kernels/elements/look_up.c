/* A function of single bytes, as a table with an entry for each uint8. */
static void look_up(const value_t *table, int32_t count, const uint8_t *in, value_t *out)
{
  int32_t i;
  for (i = count - 1; i >= 0; i--) {
    out[i] = table[in[i]];
  }
}

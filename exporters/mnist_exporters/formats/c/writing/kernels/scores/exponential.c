/* Return exp(x) for x at or below 0, within a relative error of 1e-6; 0 below -80. */
static float exponential(float x)
{
  float power = 1.0f, term = 1.0f, sum = 1.0f;
  int32_t halves = 0, i;
  if (!(x > -80.0f)) {
    return 0.0f;
  }
  while (x < -0.6931472f) { /* exp(x) = exp(x + log 2) / 2 */
    x += 0.69314575f;
    x += 1.4286068e-6f;
    halves++;
  }
  for (i = 1; i < 10; i++) {
    term *= x / (float)i;
    sum += term;
  }
  for (i = 0; i < halves; i++) {
    power *= 0.5f;
  }
  return sum * power;
}

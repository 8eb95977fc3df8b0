/* A program with every function of the header, and the two functions that compilers call without a C library. */
#include "@STEM@.h"

#include <stddef.h>

static uint8_t pixels[4];

__attribute__((weak)) void *memset(void *to, int value, size_t count)
{
  volatile uint8_t *bytes = (volatile uint8_t *)to;
  while (count-- > 0) {
    *bytes++ = (uint8_t)value;
  }
  return to;
}

__attribute__((weak)) void *memcpy(void *to, const void *from, size_t count)
{
  volatile uint8_t *bytes = (volatile uint8_t *)to;
  const uint8_t *source = (const uint8_t *)from;
  while (count-- > 0) {
    *bytes++ = *source++;
  }
  return to;
}

int main(void)
{
  volatile float confidence;
@PREPARE@
  @NAME@_classify(pixels);
  confidence = @NAME@_confidence() + (float)@NAME@_labels[0][0];
  return @NAME@_self_test() + (int)confidence;
}

__attribute__((section(".vectors"), used)) int (*const start)(void) = main;

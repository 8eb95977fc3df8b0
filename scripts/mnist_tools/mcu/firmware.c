/* Classify the images of `images.h` and print class and scores of each in hexadecimal, then the result of the self-test. */
#include "@STEM@.h"
#include "images.h"

void write_text(const char *text);

static char line[16];

static void write_byte(unsigned value, char end)
{
  line[0] = "0123456789abcdef"[value >> 4 & 15];
  line[1] = "0123456789abcdef"[value & 15];
  line[2] = end;
  line[3] = 0;
  write_text(line);
}

int main(void)
{
  int32_t i, j;
  for (i = 0; i < IMAGES; i++) {
    const int32_t answer = @NAME@_classify(images + i * @UPPER@_PIXELS);
    const uint8_t *scores = (const uint8_t *)@NAME@_scores();
    write_byte((unsigned)answer, ' ');
    for (j = 0; j < (int32_t)(@UPPER@_LABEL_COUNT * sizeof *@NAME@_scores()); j++) {
      write_byte(scores[j], j + 1 < (int32_t)(@UPPER@_LABEL_COUNT * sizeof *@NAME@_scores()) ? ' ' : '\n');
    }
  }
  return @NAME@_self_test();
}

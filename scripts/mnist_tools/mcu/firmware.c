/* Print in hexadecimal: class and scores of each image of `images.h`, each of its pictures prepared, and the bytes of
   stack before and after the preparation. The exit code is the result of the self-test. */
#include "@STEM@.h"
#include "images.h"

void write_text(const char *text);
unsigned stack_used(void);

static char line[16];
static uint8_t prepared[@UPPER@_PIXELS];

static void write_byte(unsigned value, char end)
{
  line[0] = "0123456789abcdef"[value >> 4 & 15];
  line[1] = "0123456789abcdef"[value & 15];
  line[2] = end;
  line[3] = 0;
  write_text(line);
}

static void write_bytes(const char *title, const uint8_t *bytes, int32_t count)
{
  int32_t i;
  write_text(title);
  for (i = 0; i < count; i++) {
    write_byte(bytes[i], i + 1 < count ? ' ' : '\n');
  }
}

static void write_stack(void)
{
  const unsigned used = stack_used();
  const uint8_t bytes[2] = {(uint8_t)(used & 255), (uint8_t)(used >> 8 & 255)};
  write_bytes("stack ", bytes, 2);
}

int main(void)
{
  int32_t i;
  for (i = 0; i < IMAGES; i++) {
    const uint8_t answer = (uint8_t)@NAME@_classify(images + i * @UPPER@_PIXELS);
    write_bytes("class ", &answer, 1);
    write_bytes("scores ", (const uint8_t *)@NAME@_scores(), (int32_t)(@UPPER@_LABEL_COUNT * sizeof *@NAME@_scores()));
  }
  i = @NAME@_self_test();
  write_stack();
@PREPARE@
  return i;
}

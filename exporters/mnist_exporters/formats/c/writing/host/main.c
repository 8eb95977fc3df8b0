/* Classify images on stdin, and write the class and the integers of all scores for each; with an argument, run the
   self-test. mnist-export runs this to prove the compiled model. */
#include <stdio.h>

#include "@STEM@.h"

static uint8_t pixels[@UPPER@_PIXELS];

int main(int count, char **arguments)
{
  (void)arguments;
  if (count > 1) {
    return @NAME@_self_test();
  }
  while (fread(pixels, 1, sizeof pixels, stdin) == sizeof pixels) {
    const int32_t answer = @NAME@_classify(pixels);
    fwrite(&answer, sizeof answer, 1, stdout);
    fwrite(@NAME@_scores(), sizeof *@NAME@_scores(), @UPPER@_LABEL_COUNT, stdout);
  }
  return ferror(stdin) || fflush(stdout) ? 1 : 0;
}

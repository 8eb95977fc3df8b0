/* Classify the test images on stdin as many times as the argument says; print the processor time of one, in seconds. */
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "@STEM@.h"

static uint8_t pixels[100][@UPPER@_PIXELS];

int main(int count, char **arguments)
{
  const int turns = count > 1 ? atoi(arguments[1]) : 0;
  const int images = (int)fread(pixels, sizeof *pixels, 100, stdin);
  volatile int32_t answer = 0;
  clock_t started;
  int turn, image;
  if (turns < 1 || images < 1) {
    return 2;
  }
  started = clock();
  for (turn = 0; turn < turns; turn++) {
    for (image = 0; image < images; image++) {
      answer += @NAME@_classify(pixels[image]);
    }
  }
  printf("%.9f\n", (double)(clock() - started) / CLOCKS_PER_SEC / turns / images);
  return 0;
}

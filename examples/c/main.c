/* Print the digit on a gray picture, a binary PGM file, and the confidence; without a picture, run the self-test only. */
#include <stdio.h>

#include "model.h"

int main(int count, char **arguments)
{
  static uint8_t gray[640 * 640], image[MODEL_PIXELS];
  int width = 0, height = 0;
  int32_t digit;
  FILE *file;
  if (model_self_test() != 0 || count < 2) {
    return model_self_test() != 0;
  }
  file = fopen(arguments[1], "rb");
  if (!file || fscanf(file, "P5 %d %d 255", &width, &height) != 2 || fgetc(file) == EOF || width < 1 || width > 640 ||
      height < 1 || height > 640 || fread(gray, (size_t)width, (size_t)height, file) != (size_t)height ||
      model_prepare(gray, width, height, width, image) != MODEL_PREPARED) {
    fprintf(stderr, "%s is no clean drawing of up to 640 x 640 pixels in a PGM file.\n", arguments[1]);
    return 2;
  }
  digit = model_classify(image);
  printf("%s %.3f\n", model_confidence() < MODEL_THRESHOLD ? "none" : model_labels[digit], (double)model_confidence());
  return 0;
}

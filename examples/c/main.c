/* Print the class of a picture and the confidence; without a picture, run the self-test only. The picture is a binary PGM
   file without comments, or a PPM file if the model sees color: a clean drawing, or an image of the model's size if the
   header has no function that prepares drawings. */
#include <stdio.h>

#include "model.h"

#define KIND (MODEL_CHANNELS == 3 ? "PPM" : "PGM")

static uint8_t image[MODEL_PIXELS];

static int read_size(FILE *file, int *width, int *height)
{
  int white = 0;
  return fscanf(file, MODEL_CHANNELS == 3 ? "P6 %d %d %d" : "P5 %d %d %d", width, height, &white) == 3 && white == 255 &&
         fgetc(file) != EOF;
}

#ifdef MODEL_PREPARED

static int read_image(FILE *file)
{
  static uint8_t gray[640 * 640];
  int width, height;
  return read_size(file, &width, &height) && width >= 1 && width <= 640 && height >= 1 && height <= 640 &&
         fread(gray, (size_t)width, (size_t)height, file) == (size_t)height &&
         model_prepare(gray, width, height, width, image) == MODEL_PREPARED;
}

static void print_need(const char *path)
{
  fprintf(stderr, "%s is no clean drawing of up to 640 x 640 pixels in a binary %s file.\n", path, KIND);
}

#else

static int read_image(FILE *file)
{
  int width, height;
  return read_size(file, &width, &height) && width == MODEL_WIDTH && height == MODEL_HEIGHT &&
         fread(image, 1, MODEL_PIXELS, file) == MODEL_PIXELS;
}

static void print_need(const char *path)
{
  fprintf(stderr, "%s is no binary %s file of %d x %d pixels, the size of the model's images.\n", path, KIND,
          MODEL_WIDTH, MODEL_HEIGHT);
}

#endif

int main(int count, char **arguments)
{
  int32_t label;
  FILE *file;
  if (model_self_test() != 0 || count < 2) {
    return model_self_test() != 0;
  }
  file = fopen(arguments[1], "rb");
  if (!file || !read_image(file)) {
    print_need(arguments[1]);
    return 2;
  }
  label = model_classify(image);
  printf("%s %.3f\n", model_confidence() < MODEL_THRESHOLD ? "none" : model_labels[label], (double)model_confidence());
  return 0;
}

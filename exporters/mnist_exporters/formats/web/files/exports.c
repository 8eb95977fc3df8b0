/* What the WebAssembly module exports: the functions of the C code under names that do not depend on the file's, and the
   memory for an image and for a picture, whose addresses the caller reads once. */
#include "@STEM@.h"

#define EXPORT(name) __attribute__((export_name(#name)))
#define LONGEST_SIDE 640

static uint8_t image[@UPPER@_PIXELS];

EXPORT(image) uint8_t *web_image(void)
{
  return image;
}

EXPORT(classify) int32_t web_classify(void)
{
  return @NAME@_classify(image);
}

EXPORT(scores) const void *web_scores(void)
{
  return @NAME@_scores();
}

EXPORT(score) float web_score(int32_t label)
{
  return @NAME@_score(label);
}

EXPORT(self_test) int32_t web_self_test(void)
{
  return @NAME@_self_test();
}

#ifdef @UPPER@_PREPARED
static uint8_t picture[LONGEST_SIDE * LONGEST_SIDE];

EXPORT(picture) uint8_t *web_picture(void)
{
  return picture;
}

EXPORT(prepare) int32_t web_prepare(int32_t width, int32_t height)
{
  return @NAME@_prepare(picture, width, height, width, image);
}
#endif

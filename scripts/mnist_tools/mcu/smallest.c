/* A program with every function of the header, to measure the memory that they need. */
#include "@STEM@.h"

static uint8_t pixels[1];

int main(void)
{
  volatile float confidence;
@PREPARE@
  @NAME@_classify(pixels);
  confidence = @NAME@_confidence() + (float)@NAME@_labels[0][0];
  return @NAME@_self_test() + (int)confidence;
}

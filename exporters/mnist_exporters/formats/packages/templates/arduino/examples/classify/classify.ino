// Run the self-test, and classify a picture in a byte array.
#include <{{ name }}.h>

#include "picture.h"

void setup() {
  Serial.begin(115200);
  while (!Serial && millis() < 3000) {
  }
  const int32_t failed = {{ name }}_self_test();
  if (failed != 0) {
    Serial.print("self-test: failed at test vector ");
    Serial.println(failed);
    return;
  }
  Serial.println("self-test: passed");
  const int32_t answer = {{ name }}_classify(picture);
  const float confidence = {{ name }}_confidence();
  Serial.print("answer: ");
  Serial.print(confidence < {{ upper }}_THRESHOLD ? "none" : {{ name }}_labels[answer]);
  Serial.print(", confidence ");
  Serial.print(confidence * 100.0f, 1);
  Serial.print(" %, expected ");
  Serial.println(PICTURE_LABEL);
}

void loop() {
}

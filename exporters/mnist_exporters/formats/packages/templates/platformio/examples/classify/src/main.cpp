// Run the self-test, and classify a picture in a byte array.
#ifdef ARDUINO
#include <Arduino.h>
#endif
#include <stdarg.h>
#include <stdio.h>

#include "picture.h"
#include "{{ name }}.h"

static void say(const char *format, ...) {
  char line[160];
  va_list values;
  va_start(values, format);
  vsnprintf(line, sizeof line, format, values);
  va_end(values);
#ifdef ARDUINO
  Serial.print(line);
#else
  fputs(line, stdout);
#endif
}

static void classify() {
{% set print, failure = "say", "" %}
{% include "shared/example.c" %}
}

#ifdef ARDUINO
void setup() {
  Serial.begin(115200);
  classify();
}

void loop() {
}
#else
int main() {
  classify();
  return 0;
}
#endif

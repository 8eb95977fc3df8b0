/* Run the self-test, and classify a picture in a byte array. */
#include <stdio.h>

#include "picture.h"
#include "{{ name }}.h"

int main(void)
{
{% set print, failure = "printf", " 1" %}
{% include "shared/example.c" %}
  return 0;
}

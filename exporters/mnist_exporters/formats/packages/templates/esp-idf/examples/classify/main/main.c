/* Run the self-test, and classify a picture in a byte array. */
#include <stdio.h>

#include "picture.h"
#include "{{ name }}.h"

void app_main(void);

void app_main(void)
{
{% set print, failure = "printf", "" %}
{% include "shared/example.c" %}
}

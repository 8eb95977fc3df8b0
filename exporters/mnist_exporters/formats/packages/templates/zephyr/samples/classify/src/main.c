/* Run the self-test, and classify a picture in a byte array. */
#include <zephyr/sys/printk.h>

#include "picture.h"
#include "{{ name }}.h"

int main(void)
{
{% set print, failure = "printk", " 1" %}
{% include "shared/example.c" %}
  return 0;
}

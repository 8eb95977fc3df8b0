{% include "shared/picture.h" %}

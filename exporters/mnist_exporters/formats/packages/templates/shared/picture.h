/* One of the model's test vectors, {{ height }}x{{ width }} pixels, and the answer of the model. */
#ifndef PICTURE_H_
#define PICTURE_H_

#include <stdint.h>

#define PICTURE_LABEL {{ answer }}

static const uint8_t picture[] = {
{{ picture }}};

#endif /* PICTURE_H_ */

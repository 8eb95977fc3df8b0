/* The ink of a drawing or scan on an even background, cropped, scaled into 20 x 20 pixels, and placed by its center of
   mass in 28 x 28, as in MNIST. Numbers with _2 are twice a brightness. */
#define LONGEST 640 /* longest side of a picture */
#define SMALL 48    /* longer side below which every picture counts as a drawing */
#define BOX 20
#define FIELD 28
#define FINE 64     /* longer side to which small digits are enlarged first */
#define FAINT 25.5f /* least ink of the pixels inside the crop */
#define MOST_TAPS (2 * LONGEST / BOX + 2)

struct picture {
  const uint8_t *gray;
  int32_t stride, top, left, height, width; /* of the part that is used */
  int32_t background_2, noise_2, is_dark;
  float scale;
  int32_t factor; /* of its enlargement, with a border of one pixel; 0: not enlarged */
};

/* The pixels of one axis that give a pixel of the result: the first, their number, and their weights. */
struct taps {
  int32_t first, count;
  float weight[MOST_TAPS];
};

/* Return the weight of a pixel, before the weights are divided by their sum. */
static double tap(int32_t i, double center, double reach)
{
  const double distance = (i < center ? center - i : i - center) / reach;
  return distance < 1.0 ? 1.0 - distance : 0.0;
}

static void find_taps(int32_t old, int32_t now, int32_t place, struct taps *taps)
{
  const double step = (double)old / now, reach = step > 1.0 ? step : 1.0;
  const double center = (place + 0.5) * step - 0.5;
  double total = 0.0;
  int32_t i, first = (int32_t)(center - reach + 1.0) - 1;
  taps->first = first < 0 ? 0 : first;
  taps->count = 0;
  for (i = taps->first; i < old && taps->count < MOST_TAPS; i++) {
    const double part = tap(i, center, reach);
    total += part;
    if (i > center && part <= 0.0) {
      break;
    }
    taps->count++;
  }
  for (i = 0; i < taps->count; i++) {
    taps->weight[i] = (float)(tap(taps->first + i, center, reach) / total);
  }
}

static int32_t ink_2(const struct picture *s, int32_t gray)
{
  const int32_t ink = s->is_dark ? s->background_2 - 2 * gray : 2 * gray - s->background_2;
  return ink > s->noise_2 ? ink : 0;
}

/* Return the ink at a place of the part that is used, 0 outside of it. */
static float ink_at(const struct picture *s, int32_t y, int32_t x)
{
  if (y < 0 || x < 0 || y >= s->height || x >= s->width) {
    return 0.0f;
  }
  return (float)ink_2(s, s->gray[(s->top + y) * s->stride + s->left + x]) * 0.5f * s->scale;
}

static float fine_ink_at(const struct picture *s, int32_t y, int32_t x)
{
  struct taps rows, columns;
  double sum = 0.0;
  int32_t i, j;
  if (s->factor == 0) {
    return ink_at(s, y, x);
  }
  find_taps(s->height + 2, (s->height + 2) * s->factor, y, &rows);
  find_taps(s->width + 2, (s->width + 2) * s->factor, x, &columns);
  for (j = 0; j < columns.count; j++) {
    double part = 0.0;
    for (i = 0; i < rows.count; i++) {
      part += (double)rows.weight[i] * ink_at(s, rows.first + i - 1, columns.first + j - 1);
    }
    sum += part * columns.weight[j];
  }
  return (float)sum;
}

/* Return the nearest integer; of two, the even one. */
static int32_t nearest(double x)
{
  int32_t low = (int32_t)x;
  low -= low > x;
  return x - low > 0.5 || (x - low == 0.5 && low % 2 != 0) ? low + 1 : low;
}

static int32_t between(int32_t x, int32_t low, int32_t high)
{
  return x < low ? low : x > high ? high : x;
}

/* Measure the background on the border; return 0, or 1 if there is no ink, or 2 if the background is not even. */
static int32_t measure(struct picture *s, int32_t *counts)
{
  const int32_t border = 2 * (s->height + s->width);
  int32_t y, x, value, seen = 0, low = -1, high = -1, darkest = 255, brightest = 0, most_2, marked = 0, strokes = 0;
  for (value = 0; value < 256; value++) {
    counts[value] = 0;
  }
  for (y = 0; y < s->height; y++) {
    for (x = 0; x < s->width; x++) {
      value = s->gray[y * s->stride + x];
      darkest = value < darkest ? value : darkest;
      brightest = value > brightest ? value : brightest;
      counts[value] += (y == 0) + (y == s->height - 1) + (x == 0) + (x == s->width - 1);
    }
  }
  for (value = 0; high < 0; value++) { /* the median is the mean of the two middle values */
    seen += counts[value];
    low = low < 0 && seen >= border / 2 ? value : low;
    high = seen > border / 2 ? value : high;
  }
  s->background_2 = low + high;
  if (s->height >= SMALL || s->width >= SMALL) {
    for (y = 0; y < s->height; y++) {
      for (x = 0; x < s->width; x++) {
        marked += 2 * s->gray[y * s->stride + x] != s->background_2;
      }
    }
    seen = border - (s->background_2 % 2 == 0 ? counts[s->background_2 / 2] : 0);
    if (10 * marked > 9 * s->height * s->width || 2 * seen > border) {
      return 2;
    }
  }
  s->is_dark = s->background_2 - 2 * darkest > 2 * brightest - s->background_2;
  most_2 = s->is_dark ? s->background_2 - 2 * darkest : 2 * brightest - s->background_2;
  low = high = -1;
  seen = 0;
  for (value = 0; high < 0; value++) { /* the median of the distances from the background */
    const int32_t below = s->background_2 - value, above = s->background_2 + value;
    seen += below >= 0 && below % 2 == 0 && below / 2 < 256 ? counts[below / 2] : 0;
    seen += value > 0 && above % 2 == 0 && above / 2 < 256 ? counts[above / 2] : 0;
    low = low < 0 && seen >= border / 2 ? value : low;
    high = seen > border / 2 ? value : high;
  }
  s->noise_2 = 3 * (low + high);
  if (most_2 < 32 || most_2 <= s->noise_2) {
    return 1;
  }
  s->scale = 255.0f / ((float)most_2 * 0.5f);
  for (y = 0; y < s->height && marked > 0; y++) {
    for (x = 0; x < s->width; x++) {
      strokes += ink_at(s, y, x) > 102.0f;
    }
  }
  return marked > 3 * strokes ? 2 : 0;
}

/* Return the part with ink, of a picture of `height` x `width`, relative to it: top, left, height and width. */
static void crop(const struct picture *s, int32_t height, int32_t width, int32_t *part)
{
  int32_t y, x, top = height, left = width, bottom = 0, right = 0;
  for (y = 0; y < height; y++) {
    for (x = 0; x < width; x++) {
      if (fine_ink_at(s, y, x) > FAINT) {
        top = y < top ? y : top;
        bottom = y + 1;
        left = x < left ? x : left;
        right = x + 1 > right ? x + 1 : right;
      }
    }
  }
  part[0] = top;
  part[1] = left;
  part[2] = bottom - top;
  part[3] = right - left;
}

static int32_t prepare(const uint8_t *gray, int32_t width, int32_t height, int32_t stride, double *box, uint8_t *out)
{
  struct picture s = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0.0f, 0};
  struct taps rows, columns;
  double greatest = 0.0, mass = 0.0, row = 0.0, column = 0.0;
  int32_t part[4], y, x, i, j, longest, state, high, wide, top, left;
  s.gray = gray;
  s.stride = stride;
  s.height = height;
  s.width = width;
  state = measure(&s, (int32_t *)(void *)box);
  if (state != 0) {
    return state;
  }
  crop(&s, height, width, part);
  s.top = part[0];
  s.left = part[1];
  s.height = part[2];
  s.width = part[3];
  part[0] = part[1] = 0;
  longest = s.height > s.width ? s.height : s.width;
  if (longest < BOX) {
    s.factor = (FINE + longest - 1) / longest;
    crop(&s, (s.height + 2) * s.factor, (s.width + 2) * s.factor, part);
    longest = part[2] > part[3] ? part[2] : part[3];
  }
  high = nearest(part[2] * ((double)BOX / longest));
  wide = nearest(part[3] * ((double)BOX / longest));
  high = high < 1 ? 1 : high;
  wide = wide < 1 ? 1 : wide;
  for (y = 0; y < high; y++) {
    find_taps(part[2], high, y, &rows);
    for (x = 0; x < wide; x++) {
      double sum = 0.0;
      find_taps(part[3], wide, x, &columns);
      for (j = 0; j < columns.count; j++) {
        double line = 0.0;
        for (i = 0; i < rows.count; i++) {
          line += (double)rows.weight[i] * fine_ink_at(&s, part[0] + rows.first + i, part[1] + columns.first + j);
        }
        sum += line * columns.weight[j];
      }
      box[y * wide + x] = sum;
      greatest = sum > greatest ? sum : greatest;
    }
  }
  for (y = 0; y < high; y++) {
    for (x = 0; x < wide; x++) {
      const double ink = (float)(box[y * wide + x] * (255.0 / greatest));
      box[y * wide + x] = ink;
      mass += ink;
      row += ink * y;
      column += ink * x;
    }
  }
  top = between(nearest(FIELD / 2.0 - row / mass), 0, FIELD - high);
  left = between(nearest(FIELD / 2.0 - column / mass), 0, FIELD - wide);
  for (i = 0; i < FIELD * FIELD; i++) {
    out[i] = 0;
  }
  for (y = 0; y < high; y++) {
    for (x = 0; x < wide; x++) {
      out[(top + y) * FIELD + left + x] = (uint8_t)nearest(box[y * wide + x]);
    }
  }
  return 0;
}

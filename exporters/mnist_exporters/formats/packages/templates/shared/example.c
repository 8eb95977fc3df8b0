  const int32_t failed = {{ name }}_self_test();
  int32_t answer, tenths;
  if (failed != 0) {
    {{ print }}("self-test: failed at test vector %d\n", (int)failed);
    return{{ failure }};
  }
  {{ print }}("self-test: passed\n");
  answer = {{ name }}_classify(picture);
  tenths = (int32_t)({{ name }}_confidence() * 1000.0f + 0.5f);
  {{ print }}("answer: %s, confidence %d.%d %%, expected %s\n",
    {{ name }}_confidence() < {{ upper }}_THRESHOLD ? "none" : {{ name }}_labels[answer], (int)(tenths / 10),
    (int)(tenths % 10), PICTURE_LABEL);

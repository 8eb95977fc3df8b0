"""C code with an int8 model, for TensorFlow Lite Micro."""

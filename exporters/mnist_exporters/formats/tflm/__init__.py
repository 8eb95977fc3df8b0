"""The format ``tflm``: an int8 model as an array in C code, for TensorFlow Lite Micro."""

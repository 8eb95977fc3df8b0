"""The format ``tflite``: TFLite files for LiteRT, tflite-runtime and TensorFlow Lite Micro."""

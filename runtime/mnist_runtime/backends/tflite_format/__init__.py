"""Read ``.tflite`` files."""

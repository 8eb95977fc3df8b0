"""The ``.tflite`` format."""

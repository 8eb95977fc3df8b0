"""TODO tflite."""

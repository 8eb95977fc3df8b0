"""TODO tflite_format."""

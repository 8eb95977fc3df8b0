"""Reader of the ``.tflite`` file format."""

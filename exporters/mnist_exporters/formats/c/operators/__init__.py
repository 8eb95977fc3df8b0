"""Functions that turn one operator of a ``.tflite`` file into a step, by kind."""

"""Functions that turn one operator of a ``.tflite`` file into a step, one module for each kind of operator."""

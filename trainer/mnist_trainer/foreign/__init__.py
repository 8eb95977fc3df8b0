"""Run ``.tflite`` and ``.onnx`` files of other tools in a child process, and find out what input they expect."""

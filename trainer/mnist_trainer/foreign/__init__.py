"""Models in ``.tflite`` and ``.onnx`` files that another tool made: run in a process of their own, and understood."""

"""The format ``onnx``: ONNX files for onnxruntime."""

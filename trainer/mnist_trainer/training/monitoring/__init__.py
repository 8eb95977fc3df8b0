"""Display of a training: progress on stderr, curves as a PNG file, events for TensorBoard."""

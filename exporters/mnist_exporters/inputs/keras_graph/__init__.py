"""The graph of layers of a Keras model: read it, and rewrite it for the converters."""

"""Read the layer graph of a Keras model, and rewrite it for the converters."""

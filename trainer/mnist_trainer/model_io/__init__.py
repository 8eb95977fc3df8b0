"""Find, check and load Keras models from files that may be damaged or malicious."""

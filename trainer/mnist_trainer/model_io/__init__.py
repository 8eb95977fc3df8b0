"""Find, check and load Keras models from files of unknown origin."""

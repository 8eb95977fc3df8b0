"""Recipes: the settings of a training. No module here imports TensorFlow."""

"""Recipes: how an architecture is trained. Plain settings; no module here imports TensorFlow."""

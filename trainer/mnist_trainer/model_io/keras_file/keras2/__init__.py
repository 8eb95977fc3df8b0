"""Translate models of Keras 2, back to Keras 2.2, to Keras 3."""

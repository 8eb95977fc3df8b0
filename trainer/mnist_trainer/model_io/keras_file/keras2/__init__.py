"""Translate models of Keras 2 (2.2 to 2.15) to Keras 3."""

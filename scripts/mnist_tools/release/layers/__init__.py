"""Which layers of Keras convert, in which format and precision: a page of the reference."""

from mnist_tools.release.layers.table import main

__all__ = ["main"]

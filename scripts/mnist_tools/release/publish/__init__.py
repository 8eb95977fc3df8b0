"""Build a release into ``dist/``, and test it as those who install it will use it."""

from mnist_tools.release.publish.run import main

__all__ = ["main"]

"""Build a release into ``dist/``, and test it like a user who installs it."""

from mnist_tools.release.publish.run import main

__all__ = ["main"]

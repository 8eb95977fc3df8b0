"""The pictures of README.md: a terminal that was recorded, and the report beside the page to draw on."""

from mnist_tools.release.front.command import main

__all__ = ["main"]

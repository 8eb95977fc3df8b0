"""Packages, such as an Arduino library: folders for a build system that contain an export and an example."""

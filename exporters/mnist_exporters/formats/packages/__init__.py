"""Packages: folders in the form that a build system expects, with an export and an example."""

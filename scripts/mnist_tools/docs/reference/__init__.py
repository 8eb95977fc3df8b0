"""Pages of the reference that are made from the code: commands, Python API, JSON fields and tables."""

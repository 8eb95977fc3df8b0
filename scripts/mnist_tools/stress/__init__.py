"""TODO stress."""

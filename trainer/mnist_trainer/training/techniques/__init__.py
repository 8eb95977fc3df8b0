"""TODO techniques."""

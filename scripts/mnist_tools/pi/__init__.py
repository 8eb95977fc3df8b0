"""TODO pi."""

"""TODO artifact."""

"""Files, processes and stderr."""

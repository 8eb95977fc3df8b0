"""The sealed model file."""

"""The sealed model file and its manifest."""

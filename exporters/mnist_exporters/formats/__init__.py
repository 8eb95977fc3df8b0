"""File formats, one folder each. A plugin class converts a model to the format, and packs, reads and loads files."""

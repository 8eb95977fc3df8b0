"""Export models to files, check their accuracy, and verify existing files."""

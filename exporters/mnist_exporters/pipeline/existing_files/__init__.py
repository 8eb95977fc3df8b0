"""Work with existing files: verify them, seal files from other tools, and sign files."""

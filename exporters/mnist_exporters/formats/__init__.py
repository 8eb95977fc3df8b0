"""File formats: one folder each, with a class that converts, reads, packs, opens and loads such files."""

"""Files that exist already: seal those of another tool, sign them, compare them with their original."""

"""Child processes for work that may crash, hang or use all memory, and their use to read the user's data."""

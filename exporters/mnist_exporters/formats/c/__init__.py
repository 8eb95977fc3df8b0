"""C code that contains its model and everything that runs it."""

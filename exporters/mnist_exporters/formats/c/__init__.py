"""The format ``c``: C99 source code with the model and its own inference engine, without dependencies."""

"""The text of the C files: kernels, constants, functions and header."""

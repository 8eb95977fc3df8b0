"""Handle untrusted model files: make a private copy, and try to load it in a child process with limits."""

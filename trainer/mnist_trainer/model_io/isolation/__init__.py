"""Models of unknown origin: a private copy, and a trial in a child process under limits."""

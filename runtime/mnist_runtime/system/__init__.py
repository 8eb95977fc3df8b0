"""Output files, errors of commands, state of the process, and the terminal."""

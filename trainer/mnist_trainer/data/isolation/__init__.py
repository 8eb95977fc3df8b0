"""Read data in a child process, and such processes for all work that may crash, hang or take all memory."""

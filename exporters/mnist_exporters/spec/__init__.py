"""What can be exported: formats, precisions, and input and output types."""

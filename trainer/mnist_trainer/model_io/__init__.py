"""TODO model_io."""

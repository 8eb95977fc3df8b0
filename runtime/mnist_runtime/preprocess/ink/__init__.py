"""TODO ink."""

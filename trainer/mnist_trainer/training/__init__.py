"""Training of a model: from an architecture and a data set to weights and a record."""

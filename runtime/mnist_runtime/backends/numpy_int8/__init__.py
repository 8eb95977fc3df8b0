"""TODO numpy_int8."""

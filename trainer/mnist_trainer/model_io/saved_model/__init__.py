"""Load TensorFlow SavedModel folders, with a check of their graphs."""

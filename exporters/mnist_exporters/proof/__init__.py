"""The accuracy check: compare an export with its original on test images."""

"""TODO augmentation."""

"""Arrays of images and of labels: their shapes and types, the classes, and sizes that are changed."""

"""Convert arrays of images and labels to the shapes, types, sizes and class numbers of a task."""

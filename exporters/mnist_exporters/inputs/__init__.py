"""The inputs of an export: the original model, calibration images, golden images and extreme images."""

"""Techniques of training, one per module: optimizer, distillation, averaging, normalization, calibration, devices."""

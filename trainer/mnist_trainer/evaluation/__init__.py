"""Measure models: accuracy, calibration, robustness; reports with figures."""

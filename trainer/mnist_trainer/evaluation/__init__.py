"""Measure the accuracy, calibration and robustness of models, and write reports with figures."""

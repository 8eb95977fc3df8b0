"""Measure how fast a model runs on this device, and describe the device."""

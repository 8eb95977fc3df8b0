"""Checks on the device: self-test, doctor and installation."""

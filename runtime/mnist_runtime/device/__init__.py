"""Checks on the device."""

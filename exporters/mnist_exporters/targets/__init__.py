"""Devices, the interpreters that can be installed there, and what these can load."""

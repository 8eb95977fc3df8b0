"""Devices, the interpreters that can be installed on them, and the models that each interpreter can load."""

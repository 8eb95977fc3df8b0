"""Interpreters, which run model files."""

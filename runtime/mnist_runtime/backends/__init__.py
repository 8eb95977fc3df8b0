"""Interpreters of models."""

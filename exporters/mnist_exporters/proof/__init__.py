"""Accuracy comparison of an export with its original."""

"""Stress tests: corrupted files, hostile pictures and killed processes."""

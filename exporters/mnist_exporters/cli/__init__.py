"""Command lines ``mnist-export``, ``mnist-export verify`` and ``mnist-export inspect``."""

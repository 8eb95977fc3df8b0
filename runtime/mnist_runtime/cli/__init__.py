"""The command ``mnist-runtime``."""

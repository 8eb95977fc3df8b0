"""The techniques that a recipe can ask for, one per module."""

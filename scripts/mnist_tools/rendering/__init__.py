"""Render photographs, pages and films of digits, for studies and tests."""

"""Exported model files: content, manifest and signature."""

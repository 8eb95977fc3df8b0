"""Readers for files with labelled images: CSV, IDX, npz, and folders of pictures."""

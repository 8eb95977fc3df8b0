"""Readers of the files in which people keep labelled digits: CSV, IDX, npz and folders of pictures."""

"""Models with a known scaling of pixels: as given, recorded or measured."""

"""Check a model on this device, and measure how fast it runs here."""

"""The user's own images: load and divide them, and look for doubts about them."""

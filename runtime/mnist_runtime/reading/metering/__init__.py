"""Read the values of meters and displays at known places of a picture, and publish them."""

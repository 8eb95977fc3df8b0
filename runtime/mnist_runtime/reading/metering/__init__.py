"""Read the values of meters and displays from the digits at known places of a picture, and publish them."""

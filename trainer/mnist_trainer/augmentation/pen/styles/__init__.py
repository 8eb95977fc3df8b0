"""Tables of shapes: handwritten, printed and seven-segment digits, letters and signs. Data only, no algorithms."""

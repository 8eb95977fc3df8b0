"""Tables of shapes: written digits, printed and seven-segment digits, letters and signs. Only facts, no code."""

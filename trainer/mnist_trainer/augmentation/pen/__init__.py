"""A simulated pen: digits, letters and signs as people of many countries write them, in MNIST form.

`styles` has the tables of shapes, `hand` the ways of writing, `trace` turns both into the path of a pen, `render` draws
the path, and `draw` is the entry: `draw_digits` and `draw_signs`. All of it is NumPy and seeded; no picture is stored.
"""

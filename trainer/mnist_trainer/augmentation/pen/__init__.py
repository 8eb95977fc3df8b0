"""A simulated pen: it draws digits, letters and signs as people in many countries write them, as 28x28 images.

`styles` contains the tables of shapes, and `hand` the ranges of the random changes. `trace` turns both into the path of
a pen, and `render` draws the path. The entry points are `draw_digits` and `draw_signs` in `draw`. Only NumPy is used,
all random choices are seeded, and no picture is stored.
"""

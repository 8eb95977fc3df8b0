"""Data sets of labelled digit images: MNIST, scikit-learn's digits, and the user's own."""

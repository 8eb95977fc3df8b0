"""Load Keras models from .keras archives and HDF5 files."""

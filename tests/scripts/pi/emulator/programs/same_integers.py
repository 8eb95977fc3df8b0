"""Run files on the NumPy backend and print for each whether it gives the recorded integers."""

import sys
from pathlib import Path

import numpy as np

from mnist_runtime.backends.numpy_int8 import load_numpy

if __name__ == "__main__":
    pixels = np.load("pixels.npy")
    for name in sys.argv[1:]:
        run = load_numpy(Path(f"{name}.tflite").read_bytes()).run
        print(np.array_equal(run(pixels), np.load(f"{name}.npy")))

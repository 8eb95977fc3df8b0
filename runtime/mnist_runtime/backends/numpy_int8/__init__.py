"""Run int8 ``.tflite`` files with NumPy alone, with the same integers as TFLite's reference kernels."""

from __future__ import annotations

from mnist_runtime.backends.base import IMAGE, Backend

__all__ = ["load_numpy"]


def load_numpy(content: bytes, shape: tuple[int, ...] = IMAGE) -> Backend:
    """Load an int8 ``.tflite`` file for images of `shape`."""
    from mnist_runtime.backends.numpy_int8.backend import load  # other backends do not need it

    return load(content, shape)

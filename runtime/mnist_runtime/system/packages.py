"""`install_command`: the ``pip install`` line in messages about missing packages."""

from __future__ import annotations

import numpy as np

__all__ = ["REQUIREMENTS", "install_command"]

REQUIREMENTS: dict[str, tuple[str, ...]] = {
    "litert": ("ai-edge-litert>=2.1",),
    "tflite": ("tflite-runtime==2.14.0", "numpy<2"),
    "onnx": ("onnxruntime>=1.16",),
    "images": ("pillow>=9.3",),
    "plots": ("matplotlib>=3.8",),
    "mqtt": ("paho-mqtt>=2.0",),
    "serve": ("pillow>=9.3", "python-multipart>=0.0.20", "starlette>=0.46", "uvicorn>=0.34"),
    "watch": ("opencv-python-headless>=4.6",),
}
"""Extra of mnist-runtime -> what it installs where wheels exist; a test compares it with ``runtime/pyproject.toml``."""

NUMPY_1 = "numpy<2"
"""Keeps NumPy 1 where it is installed, as for tflite-runtime and by `constraints.txt` on Python 3.11."""


def install_command(*extras: str) -> str:
    """Return the command that installs the packages of `extras`.

    It names the packages and not ``mnist-runtime[extra]``: on a workstation, mnist-runtime is a part of
    mnist-edge-export, and pip would look for it elsewhere. The newest OpenCV would bring NumPy 2 with it: where NumPy 1
    is installed, pip is to choose an OpenCV that works with it.

    Examples
    --------
    >>> install_command("onnx", "images")
    "pip install 'onnxruntime>=1.16' 'pillow>=9.3'"
    """
    wanted = dict.fromkeys(requirement for extra in extras for requirement in REQUIREMENTS[extra])
    if "watch" in extras and np.__version__.startswith("1."):
        wanted[NUMPY_1] = None
    return "pip install " + " ".join(f"'{requirement}'" for requirement in wanted)

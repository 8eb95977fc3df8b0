"""Helpers for tests of backends: the installed ones, images, and the results of TFLite's reference kernels."""

import importlib.util

import numpy as np
import pytest

from mnist_runtime import BACKENDS

EVERY_BACKEND = [
    pytest.param(
        name,
        marks=pytest.mark.skipif(
            importlib.util.find_spec(row.module) is None
            or (row.numpy_below_2 and int(np.__version__.split(".")[0]) >= 2),
            reason=f"{name} is not installed, or not for this NumPy",
        ),
    )
    for name, row in BACKENDS.items()
]
"""The names of `BACKENDS`; those that are not installed are skipped."""


def random_images(n: int, shape: tuple[int, ...] = (28, 28, 1)) -> np.ndarray:
    """Return images ``(n, *shape)`` of noise; the first half is mostly black, as digits are."""
    generator = np.random.default_rng(0)
    images = generator.integers(0, 256, (n, *shape), dtype=np.uint8)
    images[: n // 2][generator.random((n // 2, *shape)) < 0.8] = 0
    return images


def reference_scores(content: bytes, images: np.ndarray) -> np.ndarray:
    """Return the scores that TFLite's reference kernels compute; skip the test where LiteRT is missing."""
    litert = pytest.importorskip("ai_edge_litert.interpreter")
    resolver = litert.OpResolverType.BUILTIN_REF
    interpreter = litert.Interpreter(model_content=content, experimental_op_resolver_type=resolver)
    interpreter.resize_tensor_input(interpreter.get_input_details()[0]["index"], images.shape)
    interpreter.allocate_tensors()
    interpreter.set_tensor(interpreter.get_input_details()[0]["index"], images)
    interpreter.invoke()
    return interpreter.get_tensor(interpreter.get_output_details()[0]["index"])

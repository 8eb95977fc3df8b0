"""The backend numpy gives the same integers as TFLite's reference kernels."""

import dataclasses
import threading
from contextlib import suppress

import hypothesis
import numpy as np
import pytest
from hypothesis import strategies as st
from tests.shared.backend_cases import random_images, reference_scores

from mnist_runtime import ArtifactError, Classifier
from mnist_runtime.backends.numpy_int8 import load_numpy, matmul
from mnist_runtime.backends.numpy_int8.backend import OPERATORS
from mnist_runtime.backends.numpy_int8.matmul import Requantizer, exact_float
from mnist_runtime.backends.numpy_int8.node import Node
from mnist_runtime.backends.tflite_format.model import TFLiteFile
from mnist_tools.stress.model_files import Ready

READY = Ready.read("tflite").content


@pytest.mark.long
def test_the_ready_model_gives_the_same_integers(shifted: np.ndarray) -> None:
    images = np.concatenate([shifted[..., None], random_images(2000)])
    assert np.array_equal(load_numpy(READY).run(images), reference_scores(READY, images))


@pytest.mark.parametrize("piece", [1, 5000, 1 << 16])
def test_windows_in_strips_give_the_same_scores(
    shifted: np.ndarray, monkeypatch: pytest.MonkeyPatch, piece: int
) -> None:
    images = shifted[::20, ..., None]
    expected = load_numpy(READY).run(images)
    monkeypatch.setattr(matmul, "PIECE", piece)
    assert np.array_equal(load_numpy(READY).run(images), expected)


def test_a_classifier_runs_on_it(shifted: np.ndarray) -> None:
    classifier = Classifier.load(backend="numpy")
    assert classifier.backend_name == "numpy"
    scores = classifier.scores(shifted)
    assert classifier.real_scores(scores).dtype == np.float32
    assert np.array_equal(scores, load_numpy(READY).run(shifted[..., None]))


def test_it_loads_where_ldexp_takes_only_32_bit_exponents(monkeypatch: pytest.MonkeyPatch) -> None:
    """In NumPy 1 on 32-bit systems, `ldexp` takes only 32-bit exponents."""
    ldexp = np.ldexp

    def narrow(x: np.ndarray, exponents: np.ndarray) -> np.ndarray:
        if not np.can_cast(exponents.dtype, np.int32, casting="safe"):
            raise TypeError("ufunc 'ldexp' not supported for the input types")
        return ldexp(x, exponents)

    monkeypatch.setattr(np, "ldexp", narrow)
    load_numpy(READY)


def test_threads_may_share_it() -> None:
    backend = load_numpy(READY)
    images = random_images(64)
    expected = backend.run(images)
    found: list[np.ndarray] = []
    threads = [threading.Thread(target=lambda: found.append(backend.run(images))) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(found) == 8
    assert all(np.array_equal(scores, expected) for scores in found)


def test_an_image_has_the_same_scores_alone_and_in_a_batch() -> None:
    backend = load_numpy(READY)
    images = random_images(20)
    assert np.array_equal(np.concatenate([backend.run(image[None]) for image in images]), backend.run(images))


def test_a_newer_version_of_an_operator_is_rejected(monkeypatch: pytest.MonkeyPatch) -> None:
    row = OPERATORS["CONV_2D"]
    monkeypatch.setitem(OPERATORS, "CONV_2D", dataclasses.replace(row, version=2))
    with pytest.raises(ArtifactError, match=r"CONV_2D version 3 \(only up to version 2\)"):
        load_numpy(READY)


def test_an_unknown_operator_is_rejected(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delitem(OPERATORS, "SOFTMAX")
    with pytest.raises(ArtifactError, match="lacks the operator SOFTMAX"):
        load_numpy(READY)


@pytest.mark.long
@hypothesis.settings(max_examples=300)
@hypothesis.given(st.lists(st.tuples(st.integers(0, 1 << 20), st.integers(0, 255)), min_size=1, max_size=8))
def test_a_file_with_changed_bytes_is_rejected_or_loads(changes: list[tuple[int, int]]) -> None:
    content = bytearray(READY)
    for position, value in changes:
        content[position % len(content)] = value
    with suppress(ArtifactError):
        load_numpy(bytes(content))


@pytest.mark.long
def test_requantizing_in_floats_and_in_integers_is_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    """Compare both computations of `Requantizer` over and beyond the output's range, for every channel."""
    file = TFLiteFile.read(READY)
    for operator in file.operators:
        if operator.name not in {"CONV_2D", "FULLY_CONNECTED"}:
            continue
        tensors = tuple(file.tensors[index] for index in operator.inputs)
        node = Node(operator, tensors, file.tensors[operator.outputs[0]])
        weights = tensors[1].values.astype(np.int64).reshape(len(tensors[1].values), -1).T
        for activation in (0, 1):
            requantize = Requantizer(node, weights, tensors[1].scales, 2, activation)
            sums = np.repeat(np.arange(-200_000, 200_000, 3)[:, None], weights.shape[1], axis=1)
            by_floats = requantize(sums.astype(np.float32))
            assert requantize.is_float
            monkeypatch.setattr(requantize, "is_float", False)
            assert np.array_equal(by_floats, requantize(sums.astype(np.float32)))


def test_sums_beyond_float32_use_float64() -> None:
    """The limit of float32, 2 ** 24, lies between 1,032 and 1,033 products of weights of 127."""
    assert exact_float(np.full((1032, 1), 127))[0] is np.float32
    assert exact_float(np.full((1033, 1), 127))[0] is np.float64

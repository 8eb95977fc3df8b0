"""Valid files that would exhaust memory or take very long are rejected by the backend numpy."""

import tracemalloc
from collections.abc import Callable

import numpy as np
import pytest
from tests.shared.tflite_graphs import Graph, convolve, pool

from mnist_runtime import ArtifactError
from mnist_runtime.backends.numpy_int8 import load_numpy
from mnist_runtime.backends.numpy_int8.backend import MOST_OPERATORS
from mnist_runtime.backends.numpy_int8.node import MOST_VALUES
from mnist_runtime.backends.tflite_format.flatbuffer import MOST_TABLES

MEGABYTES = 200
"""Memory limit for Python and NumPy while a file is rejected."""


def a_wide_pad(graph: Graph) -> None:
    graph.pad(0, 1 << 20, 1 << 20, 1 << 20)


def a_pad_on_a_pad(graph: Graph) -> None:
    for _ in range(4):
        graph.pad(0, 1000, 1000, 0)


def many_channels(graph: Graph) -> None:
    graph.pad(0, 1000, 1000, 0)
    convolve(graph, np.ones((10_000, 1, 1, 1)))


def many_windows(graph: Graph) -> None:
    graph.pad(0, 500, 500, 3)
    convolve(graph, np.ones((1, 64, 64, 4)))


def many_products(graph: Graph) -> None:
    graph.pad(0, 100, 100, 0)
    for _ in range(100):
        convolve(graph, np.ones((16, 5, 5, 16 if _ else 1)))


def many_depthwise_channels(graph: Graph) -> None:
    graph.pad(0, 1000, 1000, 0)
    convolve(graph, np.ones((1, 1, 1, 10_000)), "DEPTHWISE_CONV_2D")


def a_large_depthwise_window(graph: Graph) -> None:
    graph.pad(0, 1500, 1500, 0)
    convolve(graph, np.ones((1, 64, 64, 1)), "DEPTHWISE_CONV_2D")


def padding_of_dilated_windows(graph: Graph) -> None:
    for _ in range(10):
        convolve(graph, np.ones((1, 64, 64, 1)), dilation=64)


def a_dense_layer_on_each_pixel(graph: Graph) -> None:
    graph.pad(0, 1000, 1000, 0)
    graph.reshape(-1, 1)
    graph.add("FULLY_CONNECTED", graph.last, graph.tensor(values=np.ones((10_000, 1))))


def a_large_average(graph: Graph) -> None:
    graph.pad(0, 1800, 1800, 0)
    pool(graph, "AVERAGE_POOL_2D", 64, 1)


def padding_of_a_pool(graph: Graph) -> None:
    graph.reshape(1, 784, 1, 1)
    graph.pad(0, 4_000_000, 0, 0)
    pool(graph, "MAX_POOL_2D", 64, 1)


def a_row_and_a_column(graph: Graph) -> None:
    graph.pad(0, 1000, 1000, 0)
    row, column = graph.reshape(1, -1), graph.reshape(-1, 1)
    graph.add("ADD", row, column, kind="AddOptions")


def a_product_of_a_row_and_a_column(graph: Graph) -> None:
    row, column = graph.reshape(1, -1), graph.reshape(-1, 1)
    graph.add("MUL", row, column, kind="MulOptions")


def doubling(graph: Graph) -> None:
    for _ in range(30):
        graph.add("CONCATENATION", graph.last, graph.last, kind="ConcatenationOptions", axis=1)


def doubling_of_numbers(graph: Graph) -> None:
    numbers = graph.tensor("INT32", values=np.zeros(1000))
    for _ in range(30):
        numbers = graph.add("PACK", numbers, numbers, output="INT32", kind="PackOptions", axis=0, valuesCount=2)
        numbers = graph.add("RESHAPE", numbers, graph.tensor("INT32", values=[-1]), output="INT32")


def gathering(graph: Graph) -> None:
    numbers, places = graph.tensor("INT32", values=np.zeros((1, 5000))), graph.tensor("INT32", values=np.zeros(5000))
    graph.add("GATHER", numbers, places, output="INT32", kind="GatherOptions")


def many_operators(graph: Graph) -> None:
    graph.add("LOGISTIC", graph.last)
    graph.graph.operators *= MOST_OPERATORS


def many_tensors(graph: Graph) -> None:
    graph.graph.tensors += [graph.graph.tensors[0]] * MOST_TABLES


def many_uses_of_one_constant(graph: Graph) -> None:
    graph.reshape(1, -1)
    graph.add("FULLY_CONNECTED", graph.last, graph.tensor(values=np.ones((100, 784))))
    graph.graph.operators += [graph.graph.operators[-1]] * 400


ATTACKS: list[Callable[[Graph], None]] = [
    a_wide_pad,
    a_pad_on_a_pad,
    many_channels,
    many_windows,
    many_products,
    many_depthwise_channels,
    a_large_depthwise_window,
    padding_of_dilated_windows,
    a_dense_layer_on_each_pixel,
    a_large_average,
    padding_of_a_pool,
    a_row_and_a_column,
    a_product_of_a_row_and_a_column,
    doubling,
    doubling_of_numbers,
    gathering,
    many_operators,
    many_tensors,
    many_uses_of_one_constant,
]


@pytest.mark.parametrize("attack", ATTACKS, ids=lambda attack: attack.__name__)
def test_an_exhausting_file_is_rejected_before_it_takes_memory(attack: Callable[[Graph], None]) -> None:
    graph = Graph()
    attack(graph)
    content = graph.content()
    tracemalloc.start()
    try:
        with pytest.raises(
            ArtifactError,
            match=r"too many for one image|neither of which is the shape|The backend numpy allows|at most",
        ):
            load_numpy(content)
        assert tracemalloc.get_traced_memory()[1] < MEGABYTES << 20
    finally:
        tracemalloc.stop()


def test_a_network_on_the_largest_images_runs_in_little_memory() -> None:
    """The windows of its second layer have 4.6 million values, which do not exist at once."""
    graph = Graph()
    graph.pad(0, 100, 100, 2)
    convolve(graph, np.ones((32, 3, 3, 3)))
    convolve(graph, np.ones((32, 3, 3, 32)))
    tracemalloc.start()
    try:
        backend = load_numpy(graph.content())
        assert backend.run(np.zeros((3, 28, 28, 1), np.uint8)).shape == (3, 128, 128, 32)
        assert tracemalloc.get_traced_memory()[1] < 30 << 20
    finally:
        tracemalloc.stop()


@pytest.mark.long
def test_a_file_just_within_the_limits_runs() -> None:
    """So the files above are rejected for their size, not for how they are built."""
    graph = Graph()
    graph.pad(0, 1972, 1972, 0)
    assert 2000 * 2000 < MOST_VALUES < 2100 * 2100
    convolve(graph, np.ones((1, 1, 1, 1)))
    graph.add("ADD", graph.last, graph.last, kind="AddOptions")
    pool(graph, "AVERAGE_POOL_2D", 3, 50)
    tracemalloc.start()
    try:
        backend = load_numpy(graph.content())
        assert backend.run(np.zeros((2, 28, 28, 1), np.uint8)).shape == (2, 40, 40, 1)
        assert tracemalloc.get_traced_memory()[1] < 2 * MEGABYTES << 20
    finally:
        tracemalloc.stop()

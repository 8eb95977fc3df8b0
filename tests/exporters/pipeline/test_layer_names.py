"""Names of the layers of a file, which its operators have lost."""

from collections.abc import Sequence

import keras
import pytest
from keras import layers

from mnist_exporters.formats.contents import Layer
from mnist_exporters.pipeline.layer_names import layer_names


def model_of(*last: layers.Layer) -> keras.Model:
    """Return a model with a model inside."""
    inside = keras.Sequential([keras.Input((6, 6, 2)), layers.Conv2D(3, 3, name="conv")], name="inside")
    first = [layers.Conv2D(2, 3, name="first"), layers.BatchNormalization(), inside]
    return keras.Sequential([keras.Input((8, 8, 1)), *first, layers.Flatten(), *last])


@pytest.mark.parametrize(
    ("last", "sizes", "names"),
    [
        ([], [18, 54, 480], ["first", "conv", "scores"]),
        ([], [1, 18, 54, 480], ["scaling", "first", "conv", "scores"]),  # a layer before it scales the pixels
        ([], [2, 18, 54, 480], ["A (1)", "A (2)", "A (3)", "A (4)"]),
        ([], [18, 480], ["A (1)", "A (2)"]),
        ([], [18, 480, 54], ["A (1)", "A (2)", "A (3)"]),
        # Of a layer with two kernels, no place is known.
        ([layers.Reshape((48, 1)), layers.SeparableConv1D(1, 3), layers.Flatten()], [18, 54, 3, 1, 460], ["A (1)"]),
    ],
)
def test_layers_are_named_if_all_weights_agree(
    last: Sequence[layers.Layer], sizes: Sequence[int], names: Sequence[str]
) -> None:
    model = model_of(*last, layers.Dense(10, name="scores"))
    found = layer_names(model, tuple(Layer("A", size, "int8", "int8") for size in sizes))
    assert list(found[: len(names)]) == names
    assert len(found) == len(sizes)

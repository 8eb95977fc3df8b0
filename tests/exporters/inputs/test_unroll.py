from collections.abc import Callable
from typing import Any

import keras
import numpy as np
import pytest
from keras import layers

from mnist_exporters import ConversionError
from mnist_exporters.inputs.keras_graph.static_shapes import with_static_shapes

IMAGES = np.random.default_rng(0).random((5, 28, 28), np.float32)


def network(*inner: Any) -> Any:
    keras.utils.set_random_seed(1)
    return keras.Sequential([keras.Input((28, 28)), layers.Reshape((4, 196)), *inner, layers.Flatten()])


def with_states() -> Any:
    keras.utils.set_random_seed(1)
    pixels = keras.Input((28, 28))
    output, *states = layers.LSTM(6, return_state=True)(pixels)
    decoded = layers.LSTM(6)(pixels, initial_state=states)
    return keras.Model(pixels, layers.Concatenate()([output, decoded]))


def shared() -> Any:
    keras.utils.set_random_seed(1)
    pixels, layer = keras.Input((28, 28)), layers.GRU(28, return_sequences=True)
    return keras.Model(pixels, layer(layer(pixels)))


def both_states() -> Any:
    keras.utils.set_random_seed(1)
    pixels = keras.Input((28, 28))
    return keras.Model(pixels, layers.Concatenate()(layers.Bidirectional(layers.GRU(3, return_state=True))(pixels)))


class OwnCell(layers.SimpleRNNCell):
    """A cell that needs one row of states for each image."""

    def call(self, inputs: Any, states: Any) -> Any:
        joined = keras.ops.concatenate([inputs[:, :5], states[0]], axis=-1)
        return joined, [joined[:, 3:8]]


NETWORKS: dict[str, Callable[[], Any]] = {
    "LSTM": lambda: network(layers.LSTM(5, dropout=0.3, recurrent_dropout=0.2)),
    "GRU": lambda: network(layers.GRU(5, bias_initializer="uniform")),
    "GRU of Keras 1": lambda: network(layers.GRU(5, reset_after=False)),
    "SimpleRNN": lambda: network(layers.SimpleRNN(5, activation="relu")),
    "sequences": lambda: network(
        layers.LSTM(5, return_sequences=True), layers.GRU(4, go_backwards=True, return_sequences=True)
    ),
    "stacked cells": lambda: network(layers.RNN([layers.LSTMCell(5), layers.GRUCell(4)])),
    "Bidirectional": lambda: network(layers.Bidirectional(layers.LSTM(5))),
    "Bidirectional sequences": lambda: network(
        layers.Bidirectional(layers.GRU(5, return_sequences=True), merge_mode="ave")
    ),
    "Bidirectional states": both_states,
    "TimeDistributed": lambda: network(layers.TimeDistributed(layers.Dense(5))),
    "LSTM in TimeDistributed": lambda: network(layers.Reshape((4, 7, 28)), layers.TimeDistributed(layers.LSTM(5))),
    "model in TimeDistributed": lambda: network(
        layers.TimeDistributed(keras.Sequential([keras.Input((196,)), layers.Reshape((7, 28)), layers.GRU(3)]))
    ),
    "Flatten in TimeDistributed": lambda: network(
        layers.Reshape((4, 7, 28)), layers.TimeDistributed(layers.Flatten()), layers.Dense(2)
    ),
    "in a model": lambda: network(keras.Sequential([keras.Input((4, 196)), layers.SimpleRNN(5)])),
    "ConvLSTM2D": lambda: network(layers.Reshape((4, 14, 14, 1)), layers.ConvLSTM2D(2, 3)),
    "Masking": lambda: network(layers.Masking(), layers.LSTM(5)),
    "Masking, Bidirectional": lambda: network(
        layers.Masking(), layers.Bidirectional(layers.GRU(5, return_sequences=True)), layers.LSTM(3)
    ),
    "own cell": lambda: network(layers.RNN(OwnCell(5))),
    "states": with_states,
    "shared": shared,
}


@pytest.mark.parametrize(
    "name", [pytest.param(name, marks=pytest.mark.slow if n % 3 else ()) for n, name in enumerate(NETWORKS)]
)
def test_scores_and_weights_are_those_of_the_loop(name: str) -> None:
    model = NETWORKS[name]()
    images = IMAGES.copy()
    images[:, :7] = 0  # a masked step
    static = with_static_shapes(model)
    assert {id(weight) for weight in static.weights} == {id(weight) for weight in model.weights}
    assert np.allclose(static(images), model(images, training=False), atol=1e-6)


@pytest.mark.parametrize("name", ["LSTM", "Bidirectional", "TimeDistributed", "in a model", "ConvLSTM2D"])
def test_no_loop_is_left(name: str) -> None:
    import tensorflow as tf

    static = with_static_shapes(NETWORKS[name]())
    graph = tf.function(static).get_concrete_function(tf.TensorSpec((None, 28, 28))).graph
    assert not {operator.type for operator in graph.get_operations()} & {"While", "StatelessWhile", "TensorListReserve"}


@pytest.mark.long
def test_many_steps_stay_a_loop() -> None:
    keras.utils.set_random_seed(1)
    model = keras.Sequential([keras.Input((28, 28)), layers.Reshape((196, 4)), layers.SimpleRNN(3)])
    assert np.allclose(with_static_shapes(model)(IMAGES), model(IMAGES), atol=1e-6)


def test_stateful_layer_is_an_error() -> None:
    model = keras.Sequential([keras.Input((28, 28), batch_size=2), layers.LSTM(3, stateful=True, name="remembers")])
    with pytest.raises(ConversionError, match=r"remembers \(LSTM\) is stateful.*stateful=False"):
        with_static_shapes(model)


@pytest.mark.long
@pytest.mark.parametrize("layer", [layers.GRU(3), layers.Bidirectional(layers.LSTM(3))])
def test_a_recurrent_layer_may_follow_arithmetic(layer: Any) -> None:
    rows = keras.Input((28, 28))
    model = keras.Model(rows, layers.Dense(10)(layer(rows * 2)))  # Keras takes this product for a sparse tensor
    images = np.random.default_rng(0).random((2, 28, 28), np.float32)
    np.testing.assert_allclose(with_static_shapes(model)(images), model(images), atol=1e-5)

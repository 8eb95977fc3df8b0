from collections.abc import Callable, Iterator
from typing import Any

import keras
import numpy as np
import pytest
from keras import layers

from mnist_exporters import ExportSpec, Original, Precision
from mnist_exporters.formats.plugin import load_plugin
from mnist_exporters.inputs.keras_graph.static_shapes import with_static_shapes
from mnist_trainer import Splits, load_model


def tail() -> list[Any]:
    return [
        layers.Flatten(),
        layers.Dense(36, activation="relu"),
        layers.Reshape((6, -1)),
        layers.Flatten(),
        layers.Dense(10, activation="softmax"),
    ]


def sequential() -> Any:
    return keras.Sequential([keras.Input((28, 28, 1)), *tail()])


def functional() -> Any:
    end = pixels = keras.Input((28, 28, 1))
    for layer in tail():
        end = layer(end)
    return keras.Model(pixels, end)


def nested() -> Any:
    pixels = keras.Input((28, 28, 1))
    return keras.Model(pixels, keras.Sequential(tail())(keras.layers.MaxPooling2D()(pixels)))


def compiled() -> Any:
    model = sequential()
    model.compile("adam", loss=lambda truth, answer: (truth - answer) ** 2)
    return model


def every_layer(model: Any) -> Iterator[Any]:
    for layer in model.layers:
        yield layer
        yield from every_layer(layer) if hasattr(layer, "layers") else ()


KINDS = (sequential, functional, nested, compiled)
PIXELS = np.random.default_rng(0).random((5, 28, 28, 1), np.float32)


@pytest.mark.parametrize("kind", KINDS)
def test_scores_and_weights_are_the_same(kind: Callable[[], Any]) -> None:
    model = kind()
    static = with_static_shapes(model)
    assert static is not model
    assert {id(v) for v in static.variables} == {id(v) for v in model.variables}
    assert np.array_equal(static(PIXELS), model(PIXELS))
    assert not {type(layer).__name__ for layer in every_layer(static)} & {"Flatten", "Reshape"}


def test_layer_used_twice_is_still_one_layer() -> None:
    pixels = keras.Input((28, 28, 1))
    block = keras.Sequential([keras.layers.Flatten(), keras.layers.Dense(784), keras.layers.Reshape((28, 28, 1))])
    model = keras.Model(pixels, keras.layers.Dense(10)(keras.layers.Flatten()(block(block(pixels)))))
    static = with_static_shapes(model)
    assert len(static.variables) == len(model.variables) == 4
    assert np.array_equal(static(PIXELS), model(PIXELS))


def test_model_with_its_own_call_method_is_unchanged() -> None:
    class Brighter(keras.Sequential):
        def call(self, *inputs: Any, **settings: Any) -> Any:
            return 2 * super().call(*inputs, **settings)

    model = Brighter([keras.Input((28, 28, 1)), keras.layers.Flatten(), keras.layers.Dense(10)])
    assert with_static_shapes(model) is model
    pixels = keras.Input((28, 28, 1))
    whole = keras.Model(pixels, model(pixels))
    assert np.array_equal(with_static_shapes(whole)(PIXELS), whole(PIXELS))


@pytest.mark.long
@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("format", ["tflite", "onnx"])
def test_exported_files_have_no_shape_operators(kind: Callable[[], Any], format: str, digits: Splits) -> None:
    original = Original.from_keras(kind(), digits.test, pixel_range="0..1")
    plugin = load_plugin(format)
    model = plugin.convert(original, ExportSpec(format, Precision.FLOAT32), None)
    operators = {name.upper() for name in plugin.read(model).operators}
    assert "RESHAPE" in operators
    assert not operators & {"SHAPE", "STRIDED_SLICE", "PACK", "SLICE", "CONCAT", "GATHER", "UNSQUEEZE"}


def test_ready_model_has_no_flatten_layer() -> None:
    original = load_model("accurate")
    assert "flatten" in {layer.name for layer in original.layers}
    assert "flatten" not in {layer.name for layer in with_static_shapes(original).layers}

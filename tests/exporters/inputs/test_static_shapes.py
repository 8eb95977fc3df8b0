from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from mnist_exporters import ExportSpec, Original, Precision
from mnist_exporters.formats.plugin import load_plugin
from mnist_exporters.inputs.static_shapes import with_static_shapes
from mnist_trainer import Splits, load_model


def tail() -> list[Any]:
    from keras import layers

    return [
        layers.Flatten(),
        layers.Dense(36, activation="relu"),
        layers.Reshape((6, -1)),
        layers.Flatten(),
        layers.Dense(10, activation="softmax"),
    ]


def sequential() -> Any:
    import keras

    return keras.Sequential([keras.Input((28, 28, 1)), *tail()])


def functional() -> Any:
    import keras

    end = pixels = keras.Input((28, 28, 1))
    for layer in tail():
        end = layer(end)
    return keras.Model(pixels, end)


def nested() -> Any:
    import keras

    pixels = keras.Input((28, 28, 1))
    return keras.Model(pixels, keras.Sequential(tail())(keras.layers.MaxPooling2D()(pixels)))


def compiled() -> Any:
    model = sequential()
    model.compile("adam", loss=lambda given, told: (given - told) ** 2)
    return model


KINDS = (sequential, functional, nested, compiled)
PIXELS = np.random.default_rng(0).random((5, 28, 28, 1), np.float32)


@pytest.mark.parametrize("kind", KINDS)
def test_the_answers_and_the_weights_are_the_same(kind: Callable[[], Any]) -> None:
    model = kind()
    known = with_static_shapes(model)
    assert known is not model
    assert {id(v) for v in known.variables} == {id(v) for v in model.variables}
    assert np.array_equal(known(PIXELS), model(PIXELS))
    assert not [layer for layer in known._flatten_layers() if type(layer).__name__ in ("Flatten", "Reshape")]


def test_a_layer_that_is_used_twice_is_still_one() -> None:
    import keras

    pixels = keras.Input((28, 28, 1))
    block = keras.Sequential([keras.layers.Flatten(), keras.layers.Dense(784), keras.layers.Reshape((28, 28, 1))])
    model = keras.Model(pixels, keras.layers.Dense(10)(keras.layers.Flatten()(block(block(pixels)))))
    known = with_static_shapes(model)
    assert len(known.variables) == len(model.variables) == 4
    assert np.array_equal(known(PIXELS), model(PIXELS))


def test_a_model_with_a_call_of_its_own_is_left_alone() -> None:
    import keras

    class Brighter(keras.Sequential):
        def call(self, *given: Any, **settings: Any) -> Any:
            return 2 * super().call(*given, **settings)

    model = Brighter([keras.Input((28, 28, 1)), keras.layers.Flatten(), keras.layers.Dense(10)])
    assert with_static_shapes(model) is model
    pixels = keras.Input((28, 28, 1))
    whole = keras.Model(pixels, model(pixels))
    assert np.array_equal(with_static_shapes(whole)(PIXELS), whole(PIXELS))


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("format", ["tflite", "onnx"])
def test_no_file_works_out_a_shape(kind: Callable[[], Any], format: str, digits: Splits) -> None:
    original = Original.from_keras(kind(), digits.test, pixel_range="0..1")
    plugin = load_plugin(format)
    model = plugin.convert(original, ExportSpec(format, Precision.FLOAT32), None)
    operators = {name.upper() for name in plugin.read(model).operators}
    assert "RESHAPE" in operators
    assert not operators & {"SHAPE", "STRIDED_SLICE", "PACK", "SLICE", "CONCAT", "GATHER", "UNSQUEEZE"}


def test_the_ready_model_is_without_them_too() -> None:
    original = load_model("cnn")
    assert "flatten" in {layer.name for layer in original.layers}
    assert "flatten" not in {layer.name for layer in with_static_shapes(original).layers}

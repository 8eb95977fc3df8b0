"""Activations that are always zero in calibration."""

from collections.abc import Callable
from typing import Any

import keras
import numpy as np
import pytest
from ai_edge_litert.interpreter import Interpreter, OpResolverType
from keras import layers

from mnist_exporters import Calibration, ExportSpec, Original
from mnist_exporters.formats.plugin import load_plugin
from mnist_exporters.formats.tflm.interpreter import MicroInterpreter, arena_bytes_needed
from mnist_runtime.backends.numpy_int8 import backend as numpy_backend
from mnist_runtime.backends.tflite import load_litert
from mnist_trainer import Splits


def squeeze_and_excite() -> Any:
    """Return a network in which no image activates the squeeze units."""
    keras.utils.set_random_seed(0)
    pixels = keras.Input((28, 28, 1))
    x = layers.Conv2D(8, 3, strides=2, activation="relu")(pixels)
    squeezed = layers.GlobalAveragePooling2D(keepdims=True)(x)
    squeezed = layers.Conv2D(4, 1, activation="relu", bias_initializer=keras.initializers.Constant(-9))(squeezed)
    x = layers.Multiply()([x, layers.Conv2D(8, 1, activation="sigmoid")(squeezed)])
    return keras.Model(pixels, layers.Dense(10, activation="softmax")(layers.Flatten()(x)))


def unrolled() -> Any:
    keras.utils.set_random_seed(0)
    lstm = layers.LSTM(8, unroll=True)
    return keras.Sequential([keras.Input((28, 28)), layers.Reshape((4, 196)), lstm, layers.Dense(10)])


@pytest.fixture(scope="module", params=[squeeze_and_excite, unrolled])
def original(request: pytest.FixtureRequest, digits: Splits) -> Original:
    return Original.from_keras(request.param(), digits.test, pixel_range="0..1")


@pytest.fixture(scope="module")
def converted(original: Original, digits: Splits) -> Callable[[str], bytes]:
    calibration = Calibration.draw(digits.train, 100, 0)
    return lambda precision: load_plugin("tflite").convert(original, ExportSpec("tflite", precision), calibration)


@pytest.mark.long
def test_every_interpreter_runs_the_int8_file_and_answers_alike(
    original: Original, converted: Callable[[str], bytes], digits: Splits
) -> None:
    content = converted("int8")
    images = digits.test.images[:50]
    pixels = images[..., None]
    kernels = OpResolverType.BUILTIN_WITHOUT_DEFAULT_DELEGATES
    plain = Interpreter(model_content=content, experimental_op_resolver_type=kernels)
    scores = {"LiteRT": load_litert(content).run(pixels)}
    if "UNPACK" not in load_plugin("tflite").read(content).operators:  # the NumPy interpreter has none
        scores["NumPy"] = numpy_backend.load(content).run(pixels)
    plain.resize_tensor_input(plain.get_input_details()[0]["index"], pixels.shape)
    plain.allocate_tensors()
    plain.set_tensor(plain.get_input_details()[0]["index"], pixels)
    plain.invoke()
    scores["plain kernels"] = plain.get_tensor(plain.get_output_details()[0]["index"])
    scores["TFLM"] = MicroInterpreter(content, arena_bytes_needed(content)).run(pixels)
    for found in scores.values():
        assert np.abs(found / 256 - original.scores(images)).max() < 0.06
        assert np.abs(found.astype(int) - scores["LiteRT"]).max() <= 4


def test_litert_runs_the_int4_file(converted: Callable[[str], bytes]) -> None:
    load_litert(converted("int4"))


@pytest.mark.long
def test_an_activation_that_is_always_the_same_keeps_its_value(digits: Splits) -> None:
    keras.utils.set_random_seed(0)
    inputs = keras.Input((28, 28, 1))
    x = layers.Conv2D(8, 3, strides=2, activation="relu")(inputs)
    pooled = layers.GlobalAveragePooling2D(keepdims=True)(x)
    unused = layers.Conv2D(4, 1, activation="relu", bias_initializer=keras.initializers.Constant(-9))(pooled)
    always = layers.ReLU(max_value=5)(layers.Conv2D(8, 1, bias_initializer=keras.initializers.Constant(99))(pooled))
    x = layers.Multiply()([x, layers.Conv2D(8, 1, activation="sigmoid")(unused), always])
    model = keras.Model(inputs, layers.Dense(10)(layers.Flatten()(x)))
    found = Original.from_keras(model, digits.test, pixel_range="0..1")
    spec, images = ExportSpec("tflite", "int8"), digits.test.images[:200]
    content = load_plugin("tflite").convert(found, spec, Calibration.draw(digits.train, 100, 0))
    interpreter = Interpreter(model_content=content)
    (source,), (target,) = interpreter.get_input_details(), interpreter.get_output_details()
    interpreter.resize_tensor_input(source["index"], (len(images), 28, 28, 1))
    interpreter.allocate_tensors()
    interpreter.set_tensor(source["index"], images[..., None])
    interpreter.invoke()
    answers = interpreter.get_tensor(target["index"]) / 256
    assert np.abs(answers - found.scores(images)).mean() < 0.01


def test_the_int16x8_file_answers_as_the_original(
    original: Original, converted: Callable[[str], bytes], digits: Splits
) -> None:
    """The converter alone gives such a recurrent network the same scores for every image."""
    images = digits.test.images[:50]
    scores = load_litert(converted("int16x8")).run(images[..., None])
    found = scores if scores.dtype == np.float32 else scores / 2**15
    assert np.abs(found - original.scores(images)).max() < 0.01

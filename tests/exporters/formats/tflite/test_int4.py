from collections.abc import Callable

import keras
import numpy as np
import pytest
from ai_edge_litert import schema_py_generated as schema
from ai_edge_litert.interpreter import Interpreter
from tests.shared.backend_cases import EVERY_BACKEND

from mnist_exporters import Calibration, ConversionError, ExportReport, ExportSpec, Original, Precision, UsageError
from mnist_exporters.formats.plugin import load_plugin
from mnist_exporters.formats.spec_checks import check_matches
from mnist_trainer import Splits


def convert(original: Original, calibration: Calibration) -> bytes:
    return load_plugin("tflite").convert(original, ExportSpec("tflite", Precision.INT4), calibration)


def layers_of(content: bytes) -> list[tuple[str, int, str]]:
    """Return the name, version and weight type of each operator with weights."""
    names = {code: name for name, code in vars(schema.BuiltinOperator).items() if isinstance(code, int)}
    types = {code: name for name, code in vars(schema.TensorType).items() if isinstance(code, int)}
    model = schema.ModelT.InitFromPackedBuf(content, 0)
    graph = model.subgraphs[0]
    return [
        (names[code.builtinCode], code.version, types[graph.tensors[operator.inputs[1]].type])
        for operator in graph.operators
        if names[(code := model.operatorCodes[operator.opcodeIndex]).builtinCode]
        in ("CONV_2D", "DEPTHWISE_CONV_2D", "FULLY_CONNECTED")
    ]


@pytest.mark.parametrize(
    ("model", "layers"),
    [
        ("linear", [("FULLY_CONNECTED", 10, "INT4")]),
        ("mlp", [("FULLY_CONNECTED", 10, "INT4")] * 2 + [("FULLY_CONNECTED", 10, "INT8")]),
        ("cnn", [("CONV_2D", 7, "INT4")] * 5 + [("FULLY_CONNECTED", 1, "INT8")]),
    ],
)
def test_all_layers_but_the_last_are_int4_with_the_right_version(
    exported: Callable[..., ExportReport], model: str, layers: list[tuple[str, int, str]]
) -> None:
    assert layers_of(exported(model, "tflite", Precision.INT4).path.read_bytes()) == layers


@pytest.mark.parametrize("model", ["linear", "mlp", "cnn"])
def test_int4_is_smaller_than_int8(exported: Callable[..., ExportReport], model: str) -> None:
    sizes = [exported(model, "tflite", precision).model_bytes for precision in (Precision.INT4, Precision.INT8)]
    assert sizes[0] < 0.7 * sizes[1]


@pytest.mark.parametrize("backend", [each for each in EVERY_BACKEND if each.values[0] == "tflite-runtime"])
def test_an_interpreter_without_int4_dense_layers_rejects_the_file(
    exported: Callable[..., ExportReport], run: Callable[..., object], backend: str
) -> None:
    path = exported("mlp", "tflite", Precision.INT4).path
    done = run("mnist-runtime", "self-test", path, "--backend", backend, "--json")
    assert done.returncode == 5
    assert "Update the interpreter" in done.stderr


@pytest.mark.long
def test_strides_paddings_and_layers_without_int4_kernels_are_converted(digits: Splits) -> None:
    """An untrained network suffices: its scores stay close to those of the original."""
    keras.utils.set_random_seed(0)
    layers = [
        keras.Input((28, 28, 1)),
        keras.layers.Conv2D(8, (3, 5), strides=(1, 2), padding="same", activation="relu"),
        keras.layers.DepthwiseConv2D(3, activation="relu"),
        keras.layers.Conv2D(8, 4, strides=2, activation="relu"),
        keras.layers.Conv2D(8, 3, dilation_rate=2, activation="relu"),
        keras.layers.Flatten(),
        keras.layers.Dense(16, activation="relu"),
        keras.layers.Dense(10, activation="softmax"),
    ]
    original = Original.from_keras(keras.Sequential(layers), digits.test, pixel_range="0..1")
    content = convert(original, Calibration.draw(digits.train, 200, seed=0))
    found = [(name, kind) for name, _, kind in layers_of(content)]
    assert ("DEPTHWISE_CONV_2D", "INT8") in found
    assert [kind for name, kind in found if name == "CONV_2D"] == ["INT4"] * 3
    assert found[-2:] == [("FULLY_CONNECTED", "INT4"), ("FULLY_CONNECTED", "INT8")]

    interpreter = Interpreter(model_content=content)
    (source,), (target,) = interpreter.get_input_details(), interpreter.get_output_details()
    images = digits.test.images[:100]
    interpreter.resize_tensor_input(source["index"], (100, 28, 28, 1))
    interpreter.allocate_tensors()
    interpreter.set_tensor(source["index"], images[..., None])
    interpreter.invoke()
    scale, zero = target["quantization"]
    scores = (interpreter.get_tensor(target["index"]).astype(float) - zero) * scale
    assert np.abs(scores - original.scores(images)).max() < 0.05


def test_a_model_without_convolution_and_dense_layer_is_an_error(digits: Splits) -> None:
    pixels = keras.Input((28, 28, 1))
    scores = keras.layers.Flatten()(keras.layers.AveragePooling2D((14, 3))(pixels[:, :, :15]))
    original = Original.from_keras(keras.Model(pixels, keras.layers.Softmax()(scores)), digits.test, pixel_range="0..1")
    with pytest.raises(UsageError, match="the model has none"):
        convert(original, Calibration.draw(digits.train, 20, seed=0))


@pytest.mark.slow
def test_two_conversions_give_the_same_bytes(originals: dict[str, Original], digits: Splits) -> None:
    calibration = Calibration.draw(digits.train, 50, seed=0)
    first, second = (convert(originals["cnn"], calibration) for _ in range(2))
    assert first == second


def test_a_model_whose_last_layer_has_most_weights_is_a_wrong_option_and_no_bad_model(digits: Splits) -> None:
    """The last layer keeps int8, so int4 applies to the 72 weights of the convolution."""
    layers = [keras.Input((28, 28, 1)), keras.layers.Conv2D(8, 3), keras.layers.Flatten(), keras.layers.Dense(10)]
    original = Original.from_keras(keras.Sequential(layers), digits.test, pixel_range="0..1")
    content = convert(original, Calibration.draw(digits.train, 20, seed=0))
    with pytest.raises(UsageError, match="applies to 0% of the weights only") as caught:
        check_matches(load_plugin("tflite").read(content), ExportSpec("tflite", Precision.INT4), original.scaling)
    assert caught.value.exit_code == 2


def test_values_that_are_not_finite_are_refused_before_an_interpreter_gets_the_file(digits: Splits) -> None:
    """Empty columns of an image have length 0, and 1/0 as a range of integers crashes LiteRT."""
    columns = keras.layers.UnitNormalization(axis=1)
    rest = [keras.layers.Flatten(), keras.layers.Dense(8), keras.layers.Dense(10, "softmax")]
    model = keras.Sequential([keras.Input((28, 28, 1)), columns, *rest])
    original = Original.from_keras(model, digits.test, pixel_range="0..1")
    with pytest.raises(ConversionError, match="not finite"):
        convert(original, Calibration.draw(digits.train, 20, seed=0))

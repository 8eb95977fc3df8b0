import random
from collections.abc import Callable

import keras
import numpy as np
import onnx
import onnxruntime
import pytest
from onnx import TensorProto, helper
from tests.shared.export_cases import EACH_READY

from mnist_exporters import Calibration, ExportReport, ExportSpec, Original, Precision
from mnist_exporters.formats.onnx.canonical import canonical
from mnist_exporters.formats.plugin import load_plugin
from mnist_exporters.formats.spec_checks import check_matches
from mnist_runtime.backends.onnx import load_onnxruntime, open_session
from mnist_trainer import Splits


def scores_of(original: Original, images: np.ndarray) -> np.ndarray:
    """Convert to float32 ONNX and run it in onnxruntime."""
    model = load_plugin("onnx").convert(original, ExportSpec("onnx", Precision.FLOAT32), None)
    return onnxruntime.InferenceSession(model).run(None, {"pixels": images[..., None]})[0]


def test_precomputed_values_of_a_layer_are_in_the_file(digits: Splits) -> None:
    # With some seeds the measured pixel range is 0..255. Logits and rounding errors are then large.
    keras.utils.set_random_seed(0)
    layers = (keras.layers.Normalization(mean=0.1, variance=0.2), keras.layers.Flatten(), keras.layers.Dense(10))
    original = Original.from_keras(keras.Sequential([keras.Input((28, 28, 1)), *layers]), digits.test)
    images = digits.test.images[:20]
    assert np.allclose(scores_of(original, images), original.scores(images), atol=1e-5)


@pytest.mark.slow
@pytest.mark.parametrize("precision", [Precision.FLOAT32, Precision.FLOAT16, Precision.INT8])
def test_the_loops_of_a_recurrent_model_are_converted(digits: Splits, precision: Precision) -> None:
    """A layer of many steps stays a loop. The bodies of loops refer to tensors outside of them, renamed too."""
    keras.utils.set_random_seed(0)
    steps = keras.layers.Reshape((196, 4))
    layers = [keras.Input((28, 28)), steps, keras.layers.GRU(8), keras.layers.Dense(10, activation="softmax")]
    original = Original.from_keras(keras.Sequential(layers), digits.test, pixel_range="0..1")
    images = digits.test.images[:20]
    calibration = Calibration.draw(digits.train, 50, 0) if precision is Precision.INT8 else None
    content = load_plugin("onnx").convert(original, ExportSpec("onnx", precision), calibration)
    scores = onnxruntime.InferenceSession(content).run(None, {"pixels": images[..., None]})[0]
    limit = {Precision.FLOAT32: 1e-5, Precision.FLOAT16: 2e-3, Precision.INT8: 0.05}[precision]
    assert np.abs(scores - original.scores(images)).max() < limit


def test_an_exact_gelu_and_a_grouped_convolution_are_converted(digits: Splits) -> None:
    keras.utils.set_random_seed(0)
    layers = [
        keras.layers.Conv2D(4, 3, strides=3, activation="gelu"),
        keras.layers.Conv2D(8, 3, groups=2),
        keras.layers.Flatten(),
        keras.layers.Dense(10, activation="softmax"),
    ]
    model = keras.Sequential([keras.Input((28, 28, 1)), *layers])
    original = Original.from_keras(model, digits.test, pixel_range="0..1")
    images = digits.test.images[:20]
    assert np.allclose(scores_of(original, images), original.scores(images), atol=1e-5)


@pytest.mark.long
@pytest.mark.parametrize(
    "layer", [keras.layers.TimeDistributed(keras.layers.Dense(16)), keras.layers.GRU(12, bias_initializer="uniform")]
)
def test_layers_over_time_steps_are_quantized(digits: Splits, layer: keras.Layer) -> None:
    keras.utils.set_random_seed(0)
    tail = [keras.layers.Flatten(), keras.layers.Dense(10, activation="softmax")]
    model = keras.Sequential([keras.Input((28, 28)), keras.layers.Reshape((4, 196)), layer, *tail])
    original = Original.from_keras(model, digits.test, pixel_range="0..1")
    spec, plugin = ExportSpec("onnx", Precision.INT8), load_plugin("onnx")
    content = plugin.convert(original, spec, Calibration.draw(digits.train, 50, 0))
    check_matches(plugin.read(content), spec, original.input_scaling)
    images = digits.test.images[:20]
    scores = onnxruntime.InferenceSession(content).run(None, {"pixels": images[..., None]})[0]
    assert np.abs(scores - original.scores(images)).max() < 0.05


@pytest.mark.parametrize("model", EACH_READY)
def test_int8_is_qdq_with_weights_per_channel(exported: Callable[..., ExportReport], model: str) -> None:
    graph = onnx.load(exported(model, "onnx", Precision.INT8).path).graph
    constants = {tensor.name: onnx.numpy_helper.to_array(tensor) for tensor in graph.initializer}
    computing = [node for node in graph.node if node.op_type in ("Conv", "Gemm", "MatMul")]
    dequantized = {node.output[0]: node for node in graph.node if node.op_type == "DequantizeLinear"}
    assert computing
    for node in computing:
        pixels, weights = (dequantized[name] for name in node.input[:2])
        assert constants[weights.input[0]].dtype == np.uint8, "products with int8 saturate on x86 without VNNI"
        assert np.all(constants[weights.input[2]] == 128), "symmetric"
        assert constants[weights.input[1]].size > 1, "one scale per channel"
        assert constants[pixels.input[2]].dtype == np.uint8


def test_a_layer_that_is_used_twice_is_quantized(digits: Splits) -> None:
    """Two operators share their weights, which not every option of onnxruntime allows."""
    keras.utils.set_random_seed(0)
    image = keras.Input((28, 28, 1))
    twice = keras.layers.Conv2D(4, 3, padding="same", activation="relu")
    start = keras.layers.Conv2D(4, 5, strides=2, activation="relu")(image)
    scores = keras.layers.Dense(10, activation="softmax")(keras.layers.Flatten()(twice(twice(start))))
    original = Original.from_keras(keras.Model(image, scores), digits.test, pixel_range="0..1")
    calibration = Calibration.draw(digits.train, 50, 0)
    content = load_plugin("onnx").convert(original, ExportSpec("onnx", Precision.INT8), calibration)
    images = digits.test.images[:20]
    scores = load_onnxruntime(content).run(images[..., None])
    assert np.abs(scores - original.scores(images)).max() < 0.05
    assert np.array_equal(onnxruntime.InferenceSession(content).run(None, {"pixels": images[..., None]})[0], scores)


@pytest.mark.parametrize("precision", [Precision.INT8, Precision.DYNAMIC])
@pytest.mark.parametrize("model", ["mlp", "cnn"])
def test_sums_are_exact_without_an_option_of_the_session(
    exported: Callable[..., ExportReport], model: str, precision: Precision, digits: Splits
) -> None:
    """With int8 weights this fails, but only on x86 processors without VNNI."""
    content = exported(model, "onnx", precision).path.read_bytes()
    images = digits.test.images[:500, ..., None]
    plain, exact = (
        session.run(None, {"pixels": images})[0]
        for session in (onnxruntime.InferenceSession(content), open_session(content))
    )
    assert np.array_equal(plain, exact)


@pytest.mark.parametrize("precision", [Precision.INT8, Precision.DYNAMIC, Precision.FLOAT16])
def test_quantized_files_have_no_long_names(exported: Callable[..., ExportReport], precision: Precision) -> None:
    """Names would be a sixth of a small file."""
    report = exported("cnn", "onnx", precision)
    graph = onnx.load(report.path).graph
    names = {name for node in graph.node for name in (node.name, *node.input, *node.output)}
    assert not graph.value_info
    assert {"pixels", "scores"} <= names
    assert max(map(len, names - {"pixels", "scores"})) <= 3


@pytest.mark.parametrize("seed", range(3))
def test_the_order_of_constants_does_not_change_the_bytes(seed: int) -> None:
    constants = [helper.make_tensor(f"{name}", TensorProto.FLOAT, [1], [name]) for name in (3, 1, 2)]
    nodes = [
        helper.make_node("Add", ["image", "1"], ["sum"]),
        helper.make_node("Mul", ["sum", "2"], ["product"]),
        helper.make_node("Sub", ["product", "3"], ["out"]),
    ]
    ends = [helper.make_tensor_value_info(name, TensorProto.FLOAT, ["batch", 1]) for name in ("image", "out")]

    def content() -> bytes:
        graph = helper.make_graph(nodes, "g", ends[:1], ends[1:], constants)
        return canonical(helper.make_model(graph))

    first = content()
    random.Random(seed).shuffle(constants)
    assert content() == first

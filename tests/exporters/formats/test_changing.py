"""Files whose scores depend on more than the image: chance, variables, live dropout, statistics of the batch."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import flatbuffers
import keras
import numpy as np
import onnx
import pytest
import tensorflow as tf
from onnx import TensorProto, helper, numpy_helper

from mnist_exporters import ExportSession, ExportSpec, export_model, open_session, seal, verify
from mnist_exporters.errors import ChangingError
from mnist_exporters.formats.plugin import load_plugin
from mnist_trainer import Splits

PIXELS = tf.TensorSpec((None, 28, 28, 1))


class Net(tf.Module):
    """A linear network that is disturbed in one of several ways; it still gives ten scores."""

    def __init__(self, kind: str) -> None:
        super().__init__()
        self.kind = kind
        self.kernel = tf.constant(np.random.default_rng(0).normal(size=(784, 10)).astype(np.float32))
        self.calls = tf.Variable(0.0)

    @tf.function(input_signature=[PIXELS])
    def __call__(self, pixels: Any) -> Any:
        scores = tf.nn.softmax(tf.reshape(pixels, (-1, 784)) @ self.kernel)
        if self.kind == "random":
            return scores * (1 + tf.random.uniform((1, 10)) * 1e-7)
        if self.kind == "counter":
            self.calls.assign_add(1.0)
            return tf.where(self.calls > 10_000.0, tf.reverse(scores, [1]), scores)
        return scores


def tflite(kind: str) -> bytes:
    net = Net(kind)
    converter = tf.lite.TFLiteConverter.from_concrete_functions([net.__call__.get_concrete_function()], net)
    content: bytes = converter.convert()
    return content


@pytest.fixture(scope="module")
def plain() -> bytes:
    return tflite("plain")


@pytest.mark.parametrize(
    ("kind", "operators"), [("random", ["RANDOM_UNIFORM"]), ("counter", ["ASSIGN_VARIABLE", "READ_VARIABLE"])]
)
def test_random_operators_and_variables_in_tflite_are_found(kind: str, operators: list[str]) -> None:
    contents = load_plugin("tflite").read(tflite(kind))
    assert set(operators) <= {name for name, _ in contents.changing}
    with pytest.raises(ChangingError, match="depend on more than the image") as caught:
        contents.check_unchanging()
    assert set(operators) <= set(caught.value.operators)


def test_a_plain_tflite_file_has_none(plain: bytes) -> None:
    load_plugin("tflite").read(plain).check_unchanging()


def test_a_state_tensor_in_tflite_is_found(plain: bytes) -> None:
    """A recurrent layer that is one operator keeps its state in such tensors from call to call."""
    from ai_edge_litert import schema_py_generated as schema

    model = schema.ModelT.InitFromPackedBuf(plain, 0)
    graph = model.subgraphs[0]
    graph.tensors[graph.operators[-1].inputs[0]].isVariable = True
    builder = flatbuffers.Builder(1 << 16)
    builder.Finish(model.Pack(builder), b"TFL3")
    (found,) = load_plugin("tflite").read(bytes(builder.Output())).changing
    assert found[0] == "SOFTMAX"


def onnx_file(*nodes: Any, **constants: Any) -> bytes:
    """Return a network of which the last `nodes` go from ``before`` to ``scores``."""
    kernel = np.random.default_rng(0).normal(size=(784, 10)).astype(np.float32)
    front = [
        helper.make_node("Flatten", ["pixels"], ["flat"]),
        helper.make_node("MatMul", ["flat", "kernel"], ["logits"]),
        helper.make_node("Softmax", ["logits"], ["before"]),
    ]
    stored = [numpy_helper.from_array(np.asarray(value), name) for name, value in constants.items()]
    graph = helper.make_graph(
        [*front, *(nodes or [helper.make_node("Identity", ["before"], ["scores"])])],
        "net",
        [helper.make_tensor_value_info("pixels", TensorProto.FLOAT, ("n", 28, 28, 1))],
        [helper.make_tensor_value_info("scores", TensorProto.FLOAT, ("n", 10))],
        [numpy_helper.from_array(kernel, "kernel"), *stored],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)])
    model.ir_version = 8
    content: bytes = model.SerializeToString()
    return content


def noise(kind: str, *inputs: str, **attributes: Any) -> tuple[Any, Any]:
    return (
        helper.make_node(kind, inputs, ["noise"], **attributes),
        helper.make_node("Add", ["before", "noise"], ["scores"]),
    )


def dropout(*mode: str) -> Any:
    return helper.make_node("Dropout", ["before", "ratio", *mode], ["scores"])


def branches(*nodes: Any) -> Any:
    graph = helper.make_graph(nodes, "then", [], [helper.make_tensor_value_info("scores", TensorProto.FLOAT, None)])
    return helper.make_node("If", ["yes"], ["scores"], then_branch=graph, else_branch=graph)


def normalization(**attributes: Any) -> Any:
    outputs = ["scores", "m", "v"] if attributes else ["scores"]
    return helper.make_node("BatchNormalization", ["before", *["ten"] * 4], outputs, **attributes)


RATIO, TEN = np.float32(0.001), np.ones(10, np.float32)

CHANGING: dict[str, Callable[[], bytes]] = {
    "RandomNormal": lambda: onnx_file(*noise("RandomNormal", shape=(1, 10), scale=1e-4)),
    "RandomNormalLike": lambda: onnx_file(*noise("RandomNormalLike", "before", scale=1e-4)),
    "RandomUniform": lambda: onnx_file(*noise("RandomUniform", shape=(1, 10), high=1e-4)),
    "RandomUniformLike": lambda: onnx_file(*noise("RandomUniformLike", "before", high=1e-4)),
    "Bernoulli": lambda: onnx_file(helper.make_node("Bernoulli", ["before"], ["scores"])),
    "Multinomial": lambda: onnx_file(helper.make_node("Multinomial", ["before"], ["scores"], sample_size=10)),
    "Dropout": lambda: onnx_file(dropout("mode"), ratio=RATIO, mode=True),
    "Dropout of a computed mode": lambda: onnx_file(
        helper.make_node("Not", ["no"], ["mode"]), dropout("mode"), ratio=RATIO, no=False
    ),
    "RandomUniformLike in a branch": lambda: onnx_file(branches(*noise("RandomUniformLike", "before")), yes=True),
    "Dropout in a branch": lambda: onnx_file(branches(dropout("mode")), ratio=RATIO, mode=True, yes=True),
    "BatchNormalization": lambda: onnx_file(normalization(training_mode=1), ten=TEN),
}


@pytest.mark.parametrize("name", CHANGING)
def test_changing_nodes_of_onnx_are_found(name: str) -> None:
    found = load_plugin("onnx").read(CHANGING[name]()).changing
    assert {operator for operator, _ in found} == {name.split(maxsplit=1)[0]}


@pytest.mark.parametrize(
    "content",
    [
        onnx_file(),
        onnx_file(dropout(), ratio=RATIO),
        onnx_file(dropout("mode"), ratio=RATIO, mode=False),
        onnx_file(normalization(), ten=TEN),
        onnx_file(branches(dropout("mode")), ratio=RATIO, mode=False, yes=True),
    ],
    ids=["plain", "Dropout", "Dropout of mode 0", "BatchNormalization", "If"],
)
def test_nodes_that_are_quiet_at_inference_pass(content: bytes) -> None:
    assert load_plugin("onnx").read(content).changing == ()


@pytest.fixture(scope="module")
def disturbed(sessions: Callable[[str], ExportSession], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Write the ready model `linear` as a file of another tool, with noise too small to change an answer."""
    converted = load_plugin("onnx").convert(sessions("linear").original, ExportSpec("onnx", "float32"), None)
    model = onnx.load_from_string(converted)
    end = model.graph.output[0].name
    for node in model.graph.node:
        node.output[:] = ["before" if value == end else value for value in node.output]
    like, add = noise("RandomUniformLike", "before", high=1e-4)
    add.output[:] = [end]
    model.graph.node.extend([like, add])
    path = tmp_path_factory.mktemp("disturbed") / "other.onnx"
    path.write_bytes(model.SerializeToString())
    return path


@pytest.mark.slow
def test_a_random_file_of_another_tool_is_refused(disturbed: Path, digits: Splits, tmp_path: Path) -> None:
    """Beside an original it was proven."""
    with pytest.raises(ChangingError, match="RandomUniformLike"):
        verify(disturbed, "linear", digits)
    with pytest.raises(ChangingError, match="RandomUniformLike"):
        seal(disturbed, "linear", tmp_path / "sealed.onnx", digits)
    assert not (tmp_path / "sealed.onnx").exists()


def test_a_random_file_as_an_original_is_refused(disturbed: Path, digits: Splits) -> None:
    with pytest.raises(ChangingError, match="RandomUniformLike"):
        open_session(disturbed, digits)


@pytest.mark.parametrize(
    ("kind", "operator", "place"),
    [
        pytest.param("random", "RANDOM_UNIFORM", "random_uniform/RandomUniform", marks=pytest.mark.slow),
        ("counter", "ASSIGN_VARIABLE", "AssignAddVariableOp"),
    ],
)
def test_a_saved_model_with_hidden_state_is_refused_with_its_place(
    digits: Splits, tmp_path: Path, kind: str, operator: str, place: str
) -> None:
    """No call shows the counter, which counts to 10,000 first."""
    net = Net(kind)
    net.kernel = _fitted(digits)
    tf.saved_model.save(net, str(tmp_path / "net"), signatures=net.__call__.get_concrete_function())
    with pytest.raises(ChangingError, match=operator) as caught:
        export_model(tmp_path / "net", tmp_path / "net.tflite", "float32", digits, pixel_range="0..1")
    assert place in str(caught.value)
    assert "training=True" in str(caught.value)
    assert not (tmp_path / "net.tflite").exists()


@pytest.mark.slow
def test_a_variable_is_named_in_onnx_too(digits: Splits, tmp_path: Path) -> None:
    """The converter fails on it without a name, and would keep the value that another variable has at the moment."""
    net = Net("counter")
    net.kernel = _fitted(digits)
    tf.saved_model.save(net, str(tmp_path / "net"), signatures=net.__call__.get_concrete_function())
    with pytest.raises(ChangingError, match="it has AssignAddVariableOp, at the variable Variable") as caught:
        export_model(tmp_path / "net", tmp_path / "net.onnx", "float32", digits, pixel_range="0..1", format="onnx")
    assert caught.value.operators == ("AssignAddVariableOp",)


class Noise(keras.layers.Layer):
    """A user's own layer, whose noise is too small to see in a score."""

    def call(self, inputs: Any) -> Any:
        return inputs + 1e-15 * tf.random.normal(tf.shape(inputs))


def test_a_keras_layer_with_noise_is_named(digits: Splits, tmp_path: Path) -> None:
    layers = keras.layers
    head = layers.Dense(10, activation="softmax", use_bias=False)
    model = keras.Sequential([keras.Input((28, 28, 1)), layers.Flatten(), Noise(name="mine"), head])
    head.set_weights([_fitted(digits)])
    with pytest.raises(ChangingError, match=r"because of mine \(Noise\): it has RANDOM_STANDARD_NORMAL"):
        export_model(model, tmp_path / "net.tflite", "float32", digits, pixel_range="0..1")


def _fitted(digits: Splits) -> Any:
    """Return the kernel of a linear network that is right on most digits."""
    pixels = digits.test.images.reshape(-1, 784) / np.float32(255)
    wanted = np.eye(10, dtype=np.float32)[digits.test.labels]
    return tf.constant(np.linalg.lstsq(pixels, wanted * 20 - 2, rcond=None)[0].astype(np.float32))

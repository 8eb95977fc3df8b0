"""More than twenty ways to break a converted model. The accuracy check refuses every one."""

from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

import flatbuffers
import numpy as np
import pytest

from mnist_exporters import FORMATS, ExportSession, ExportSpec
from mnist_exporters.formats.plugin import load_plugin
from mnist_exporters.pipeline.trials import trials_limited_to
from mnist_runtime import ToolkitError

Change = Callable[["Opened"], None]


class Opened:
    """A parsed int8 ``.tflite`` model whose parts can be changed."""

    def __init__(self, content: bytes) -> None:
        from ai_edge_litert import schema_py_generated as schema

        self.schema = schema
        self.model: Any = schema.ModelT.InitFromPackedBuf(content, 0)
        self.graph: Any = self.model.subgraphs[0]

    def operators(self, name: str) -> list[Any]:
        number = getattr(self.schema.BuiltinOperator, name)
        codes = [max(code.builtinCode, code.deprecatedBuiltinCode) for code in self.model.operatorCodes]
        return [operator for operator in self.graph.operators if codes[operator.opcodeIndex] == number]

    def tensor(self, operator: Any, place: int) -> Any:
        return self.graph.tensors[operator.inputs[place]]

    def change(self, tensor: Any, dtype: type, edit: Callable[[np.ndarray], np.ndarray]) -> None:
        """Replace the values of a constant."""
        buffer = self.model.buffers[tensor.buffer]
        values = np.asarray(buffer.data, np.uint8).view(dtype).reshape(tensor.shape)
        changed = np.ascontiguousarray(edit(values.copy()), dtype)
        assert changed.shape == values.shape
        buffer.data = changed.reshape(-1).view(np.uint8)

    def change_weights(self, operator: Any, edit: Callable[[np.ndarray], np.ndarray]) -> None:
        self.change(self.tensor(operator, 1), np.int8, edit)

    def change_biases(self, operator: Any, edit: Callable[[np.ndarray], np.ndarray]) -> None:
        self.change(self.tensor(operator, 2), np.int32, edit)

    def requantize(self, number: int, *, scale: float = 1.0, zero_point: int = 0) -> None:
        """Multiply the scale of a tensor and add to its zero point."""
        quantization = self.graph.tensors[number].quantization
        quantization.scale = quantization.scale * np.float32(scale)
        quantization.zeroPoint = quantization.zeroPoint + zero_point

    def bytes(self) -> bytes:
        builder = flatbuffers.Builder(1 << 16)
        builder.Finish(self.model.Pack(builder), b"TFL3")
        return bytes(builder.Output())


def conv(opened: Opened, number: int) -> Any:
    return opened.operators("CONV_2D")[number]


def dense(opened: Opened) -> Any:
    return opened.operators("FULLY_CONNECTED")[-1]


def scale_of_the_input_halved(opened: Opened) -> None:
    opened.requantize(opened.graph.inputs[0], scale=0.5)


def zero_point_of_the_input_off_by_one(opened: Opened) -> None:
    opened.requantize(opened.graph.inputs[0], zero_point=1)


def scale_of_an_activation_quadrupled(opened: Opened) -> None:
    opened.requantize(conv(opened, 1).outputs[0], scale=4)


def saturated_layer(opened: Opened) -> None:
    opened.requantize(conv(opened, 2).outputs[0], scale=1 / 20)


def zero_point_of_an_activation_off_by_60(opened: Opened) -> None:
    opened.requantize(conv(opened, 2).outputs[0], zero_point=60)


def scales_of_the_channels_in_reverse_order(opened: Opened) -> None:
    quantization = opened.tensor(conv(opened, 2), 1).quantization
    quantization.scale = np.array(quantization.scale[::-1])


def one_scale_for_all_channels(opened: Opened) -> None:
    """The largest scale, as in a file that is quantized per tensor."""
    quantization = opened.tensor(conv(opened, 0), 1).quantization
    quantization.scale = np.full_like(quantization.scale, quantization.scale.max())


def logits_at_a_tenth_of_their_scale(opened: Opened) -> None:
    """The answers stay the same, the confidences change."""
    for place in (1, 2):
        opened.requantize(dense(opened).inputs[place], scale=0.1)


def transposed_kernels(opened: Opened) -> None:
    for operator in opened.operators("CONV_2D"):
        opened.change_weights(operator, lambda w: w.transpose(0, 2, 1, 3))


def mirrored_kernels(opened: Opened) -> None:
    """Convolution in the place of correlation."""
    for operator in opened.operators("CONV_2D"):
        opened.change_weights(operator, lambda w: w[:, ::-1, ::-1])


def input_channels_in_reverse_order(opened: Opened) -> None:
    opened.change_weights(conv(opened, 1), lambda w: w[..., ::-1])


def output_channels_shifted_by_one(opened: Opened) -> None:
    opened.change_weights(conv(opened, 1), lambda w: np.roll(w, 1, axis=0))


def dead_channels(opened: Opened) -> None:
    def kill(weights: np.ndarray) -> np.ndarray:
        weights[::3] = 0
        return weights

    opened.change_weights(conv(opened, 1), kill)


def negated_layer(opened: Opened) -> None:
    opened.change_weights(conv(opened, 3), lambda w: -np.maximum(w, -127))


def signed_weights_read_as_unsigned(opened: Opened) -> None:
    opened.change_weights(conv(opened, 2), lambda w: (w.view(np.uint8) ^ 0x80).view(np.int8))


def two_bits_of_each_weight(opened: Opened) -> None:
    for operator in opened.operators("CONV_2D"):
        opened.change_weights(operator, lambda w: w & -64)


def half_of_the_weights_zero(opened: Opened) -> None:
    def cut(weights: np.ndarray) -> np.ndarray:
        weights.reshape(-1)[weights.size // 2 :] = 0
        return weights

    opened.change_weights(conv(opened, 3), cut)


def biases_zero(opened: Opened) -> None:
    for operator in (*opened.operators("CONV_2D"), dense(opened)):
        opened.change_biases(operator, np.zeros_like)


def biases_negated(opened: Opened) -> None:
    for operator in opened.operators("CONV_2D"):
        opened.change_biases(operator, np.negative)


def biases_at_the_wrong_scale(opened: Opened) -> None:
    opened.change_biases(conv(opened, 2), lambda b: b * 16)


def two_labels_swapped(opened: Opened) -> None:
    order = [0, 1, 2, 3, 9, 5, 6, 7, 8, 4]
    quantization = opened.tensor(dense(opened), 1).quantization
    opened.change_weights(dense(opened), lambda w: w[order])
    opened.change_biases(dense(opened), lambda b: b[order])
    if len(quantization.scale) > 1:
        quantization.scale = np.array(quantization.scale)[order]


def labels_shifted_by_one(opened: Opened) -> None:
    opened.change_weights(dense(opened), lambda w: np.roll(w, 1, axis=0))
    opened.change_biases(dense(opened), lambda b: np.roll(b, 1))


def missing_activation_function(opened: Opened) -> None:
    for operator in opened.operators("CONV_2D"):
        operator.builtinOptions.fusedActivationFunction = opened.schema.ActivationFunctionType.NONE
        opened.requantize(operator.outputs[0], zero_point=128)  # half of the range for values that ReLU removes


def average_pooling_for_max_pooling(opened: Opened) -> None:
    code = next(iter(opened.operators("MAX_POOL_2D"))).opcodeIndex
    average = opened.schema.BuiltinOperator.AVERAGE_POOL_2D
    opened.model.operatorCodes[code].builtinCode = average
    opened.model.operatorCodes[code].deprecatedBuiltinCode = average


BREAKAGES: tuple[Change, ...] = (
    scale_of_the_input_halved,
    zero_point_of_the_input_off_by_one,
    scale_of_an_activation_quadrupled,
    saturated_layer,
    zero_point_of_an_activation_off_by_60,
    scales_of_the_channels_in_reverse_order,
    one_scale_for_all_channels,
    logits_at_a_tenth_of_their_scale,
    transposed_kernels,
    mirrored_kernels,
    input_channels_in_reverse_order,
    output_channels_shifted_by_one,
    dead_channels,
    negated_layer,
    signed_weights_read_as_unsigned,
    two_bits_of_each_weight,
    half_of_the_weights_zero,
    biases_zero,
    biases_negated,
    biases_at_the_wrong_scale,
    two_labels_swapped,
    labels_shifted_by_one,
    missing_activation_function,
    average_pooling_for_max_pooling,
)


@pytest.fixture(scope="module")
def converted(sessions: Callable[[str], ExportSession]) -> Callable[[str], bytes]:
    """Convert `cnn` to int8; once for each format."""
    cnn = sessions("cnn")
    return cache(lambda format: load_plugin(format).convert(cnn.original, ExportSpec(format, "int8"), cnn.calibration))


@pytest.fixture
def attempt(
    monkeypatch: pytest.MonkeyPatch,
    sessions: Callable[[str], ExportSession],
    converted: Callable[[str], bytes],
    tmp_path: Path,
) -> Callable[[str, Callable[[bytes], bytes]], None]:
    """Export `cnn` with an edit to the converter's result. No other conversion is tried, which a message would name."""

    def attempt(format: str, edit: Callable[[bytes], bytes]) -> None:
        model = edit(converted(format))
        monkeypatch.setattr(load_plugin(format), "convert", lambda *_: model)
        path = tmp_path / f"cnn{FORMATS[format].suffix}"
        with trials_limited_to(0.0):
            sessions("cnn").export(ExportSpec(format, "int8"), path, repair=False)

    return attempt


def test_there_are_at_least_twenty() -> None:
    assert len(set(BREAKAGES)) >= 20


def operate(content: bytes, change: Change) -> bytes:
    opened = Opened(content)
    change(opened)
    return opened.bytes()


@pytest.mark.long
@pytest.mark.parametrize(
    "breakage",
    [pytest.param(b, id=b.__name__, marks=() if n % 3 == 0 else pytest.mark.slow) for n, b in enumerate(BREAKAGES)],
)
def test_broken_tflite_model_is_refused(attempt: Callable[..., None], tmp_path: Path, breakage: Change) -> None:
    with pytest.raises(ToolkitError) as caught:
        attempt("tflite", lambda content: operate(content, breakage))
    assert caught.value.exit_code in (3, 5)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.long
def test_model_that_was_only_read_and_written_passes(attempt: Callable[..., None], tmp_path: Path) -> None:
    attempt("tflite", lambda content: operate(content, lambda _: None))
    assert [path.name for path in tmp_path.iterdir()] == ["cnn.tflite"]


def permuted(content: bytes, kind: str, edit: Callable[[np.ndarray], np.ndarray]) -> bytes:
    """Change the largest constant of type `kind` in an ``.onnx`` model, the last if several are as large.

    Among scales (float32), the constant with the largest variation is changed: swapping similar ones has little effect.
    """
    import onnx

    model = onnx.load_from_string(content)
    constants = [(tensor, onnx.numpy_helper.to_array(tensor)) for tensor in reversed(model.graph.initializer)]
    # Zero points of biases have the size of the biases, but are all zero.
    candidates = [constant for constant in constants if constant[1].dtype == kind and constant[1].any()]
    chosen, values = max(candidates, key=lambda c: c[1].std() if kind == "float32" else c[1].nbytes)
    chosen.CopyFrom(onnx.numpy_helper.from_array(np.ascontiguousarray(edit(values)), chosen.name))
    return model.SerializeToString()


@pytest.mark.parametrize(
    ("kind", "edit"),
    [
        ("uint8", lambda w: w[::-1]),
        pytest.param("uint8", lambda w: -np.maximum(w, 1), marks=pytest.mark.slow),
        pytest.param("uint8", lambda w: w & 0b1100_0000, marks=pytest.mark.slow),
        ("float32", lambda s: s[::-1]),
        pytest.param("float32", lambda s: s * 3, marks=pytest.mark.slow),
        ("int32", lambda b: -b),
        pytest.param("int32", lambda b: b * 0, marks=pytest.mark.slow),
    ],
    ids=["reversed", "negated", "two-bits", "scales-reversed", "scales-tripled", "biases-negated", "biases-lost"],
)
def test_broken_onnx_model_is_refused(
    attempt: Callable[..., None],
    tmp_path: Path,
    kind: str,
    edit: Callable[[np.ndarray], np.ndarray],
) -> None:
    with pytest.raises(ToolkitError) as caught:
        attempt("onnx", lambda content: permuted(content, kind, edit))
    assert caught.value.exit_code == 3
    assert list(tmp_path.iterdir()) == []

"""The compiled C code computes the integers of TFLite's reference kernels."""

import re
import subprocess
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest
from ai_edge_litert import schema_py_generated as schema
from tests.shared.backend_cases import random_images, reference_scores
from tests.shared.c_programs import NO_GOLDEN, STRICT, c_files, native, needs_clang, needs_gcc, write
from tests.shared.operator_networks import NETWORKS, converted, converted_wide

from mnist_exporters import Calibration, ExportSpec, Original, Precision
from mnist_exporters.errors import OperatorError
from mnist_exporters.formats.c.compiler import Compiler
from mnist_exporters.formats.c.lower import LOWERINGS, lower
from mnist_exporters.formats.c.writing.kernel_files import KERNELS, kernel_text, struct_of
from mnist_exporters.formats.c.writing.source_code import SourceCode
from mnist_exporters.formats.plugin import load_plugin
from mnist_exporters.formats.tflite.packing import packed
from mnist_exporters.formats.tflite.rewrites import with_static_batch
from mnist_runtime.backends.numpy_int8 import load_numpy
from mnist_runtime.backends.numpy_int8.backend import OPERATORS
from mnist_trainer import Splits

SANITIZERS = ("-fsanitize=address,undefined", "-fno-sanitize-recover=all", "-g", "-O1")

COMPILERS = [
    pytest.param(("gcc", "-O3", "-march=native"), marks=[needs_gcc, pytest.mark.slow]),
    pytest.param(("clang", "-Wno-unused-command-line-argument"), marks=[needs_clang, pytest.mark.slow]),
]

VARIANTS: dict[str, Callable[..., bytes]] = {
    "int8": converted,
    "int8, one scale": lambda network: converted(network, per_channel=False),
    "int16x8": converted_wide,
}


CASES = [
    pytest.param((name, kind), marks=() if kind == "int16x8" or name in ("depthwise", "gated") else pytest.mark.slow)
    for name in NETWORKS
    for kind in ("int8", "int16x8")
] + [pytest.param((name, "int8, one scale"), marks=pytest.mark.slow) for name in NETWORKS]
"""Each network in each type. By default, of int8 those with most operators."""


@pytest.fixture(scope="module", params=CASES, ids=str)
def network(request: pytest.FixtureRequest) -> bytes:
    """A network of `NETWORKS`, of int8 or int16x8."""
    return made(*request.param)


@cache
def made(name: str, kind: str) -> bytes:
    return with_static_batch(VARIANTS[kind](NETWORKS[name][0]))


@pytest.fixture(scope="module")
def converted_ready(originals: dict[str, Original], digits: Splits) -> Callable[[str, Precision], bytes]:
    """Convert a ready model, for scores of bytes or int16."""

    def convert(model: str, precision: Precision) -> bytes:
        calibration = Calibration.draw(digits.train, 100, seed=0)
        return load_plugin("c").convert(originals[model], ExportSpec("c", precision), calibration)

    return convert


@pytest.mark.long
def test_every_operator_gives_the_reference_integers_under_sanitizers(network: bytes) -> None:
    images = random_images(60)
    program = native(network, c_files(network), *SANITIZERS)
    assert np.array_equal(program.run(images), reference_scores(network, images))


def test_layers_may_need_sums_of_different_widths() -> None:
    """The dense layer needs 64 bits, the convolution does not."""

    def network(x: Any) -> Any:
        return keras.layers.Dense(10)(keras.layers.Flatten()(keras.layers.Conv2D(2, 1)(x)))

    content, images = with_static_batch(converted_wide(network)), random_images(20)
    calls = [call for step in lower(content).steps for call in step.calls]
    assert {call.settings["bias"].dtype.name for call in calls if "bias" in call.settings} == {"int32", "int64"}
    assert np.array_equal(native(content, c_files(content)).run(images), reference_scores(content, images))


@pytest.mark.long
@pytest.mark.parametrize("kind", ["int8", "int16x8"])
def test_a_number_for_each_channel_is_added_and_multiplied_at_each_place(kind: str) -> None:
    """As the weights of channels in squeeze and excitation; on either side."""

    def network(x: Any) -> Any:
        x = keras.layers.Conv2D(6, 3, strides=3)(x)
        for merge, activation in ((keras.layers.Multiply(), "sigmoid"), (keras.layers.Add(), "relu")):
            channels = keras.layers.Conv2D(6, 1, activation=activation)(
                keras.layers.GlobalAveragePooling2D(keepdims=True)(x)
            )
            x = merge([merge([x, channels]), channels])
            x = keras.layers.Conv2D(6, 2)(merge([channels, x]))
        return keras.layers.Dense(10)(keras.layers.Flatten()(x))

    content, images = with_static_batch(VARIANTS[kind](network)), random_images(20)
    settings = [call.settings for step in lower(content).steps if step.kernel in ("add", "mul") for call in step.calls]
    assert {each["period"] for each in settings} == {6}
    assert np.array_equal(native(content, c_files(content)).run(images), reference_scores(content, images))


@pytest.mark.long
def test_a_number_for_each_place_is_an_error() -> None:
    """As in spatial attention. The kernels repeat the last axes only."""

    def network(x: Any) -> Any:
        x = keras.layers.Conv2D(6, 3, strides=3)(x)
        x = keras.layers.Multiply()([x, keras.layers.Conv2D(1, 1, activation="sigmoid")(x)])
        return keras.layers.Dense(10)(keras.layers.Flatten()(x))

    with pytest.raises(OperatorError, match=r"MUL on shapes \(1, 9, 9, 6\) and \(1, 9, 9, 1\)"):
        lower(with_static_batch(converted(network)))


@pytest.mark.long
@pytest.mark.parametrize("kind", ["int8", "int16x8"])
def test_windows_that_overlap_at_the_sides_are_read_before_they_are_overwritten(kind: str) -> None:
    """The activation after a pooling is part of it."""

    def network(x: Any) -> Any:
        x = keras.layers.Conv2D(4, 3, strides=3)(x)
        for pooling in (keras.layers.MaxPooling2D, keras.layers.AveragePooling2D):
            x = keras.layers.ReLU()(pooling(3, strides=1, padding="same")(keras.layers.Conv2D(4, 1)(x)))
        return keras.layers.Dense(10)(keras.layers.Flatten()(x))

    content, images = with_static_batch(VARIANTS[kind](network)), random_images(20)
    steps = [step for step in lower(content).steps if step.kernel in ("max_pool", "average_pool")]
    assert [step.in_place for step in steps] == [False, False]
    assert np.array_equal(native(content, c_files(content)).run(images), reference_scores(content, images))


def test_a_convolution_has_memory_for_the_inputs_of_a_window() -> None:
    """The kernel takes it as an array of int16."""
    steps = [step for step in lower(made("depthwise", "int8")).steps if step.kernel == "conv"]
    assert [step.scratch for step in steps] == [2 * 3 * 3 * 1, 2 * 6]


@pytest.mark.parametrize("precision", [Precision.INT8, pytest.param(Precision.INT16X8, marks=pytest.mark.slow)])
@pytest.mark.parametrize(
    "model", [*(pytest.param(each, marks=pytest.mark.slow) for each in ("mlp", "tiny", "cnn")), "linear"]
)
def test_ready_models_give_the_reference_integers(
    converted_ready: Callable[..., bytes], digits: Splits, model: str, precision: Precision
) -> None:
    content = converted_ready(model, precision)
    images = np.concatenate([digits.test.images[:200, ..., None], random_images(200)])
    scores = native(content, c_files(content)).run(images)
    assert np.array_equal(scores, reference_scores(content, images))
    if precision is Precision.INT8:
        assert np.array_equal(scores, load_numpy(content).run(images))


@pytest.mark.parametrize("command", COMPILERS, ids=str)
def test_compilers_agree(converted_ready: Callable[..., bytes], command: tuple[str, ...]) -> None:
    content, images = converted_ready("tiny", Precision.INT8), random_images(100)
    program = native(content, c_files(content), *command[1:], compiler=Compiler(command[:1]))
    assert np.array_equal(program.run(images), load_numpy(content).run(images))


@needs_gcc
def test_the_code_is_also_cpp_and_needs_no_library(network: bytes, tmp_path: Path) -> None:
    """It calls nothing but what compilers make of loops: no heap, no files, no functions of libm."""
    source, made = write(c_files(network), tmp_path), tmp_path / "model.o"
    subprocess.run(["g++", "-std=c++11", *STRICT, "-x", "c++", "-fsyntax-only", source], check=True)
    subprocess.run(["gcc", "-std=c99", *STRICT, "-Os", "-c", source, "-o", made], check=True)
    listed = subprocess.run(["nm", "-u", made], check=True, capture_output=True, text=True).stdout
    assert set(listed.split()) - {"U"} <= {"memcpy", "memset", "memmove", "_GLOBAL_OFFSET_TABLE_"}


@pytest.mark.long
def test_every_kernel_is_used_and_its_settings_have_the_order_of_its_struct() -> None:
    seen: set[str] = set()
    for name in NETWORKS:
        for kind in ("int8", "int16x8"):
            for step in lower(made(name, kind)).steps:
                seen.add(step.kernel)
                struct = struct_of(step.kernel)
                if struct is None:
                    continue
                text = kernel_text("pool_layer" if struct == "pool_layer" else step.kernel)
                body = (
                    re.sub(r"/\*.*?\*/", "", text, flags=re.DOTALL)
                    .partition(f"struct {struct} {{")[2]
                    .partition("}")[0]
                )
                members = [word for line in body.split(";") for word in re.findall(r"(\w+)\s*(?:,|$)", line)]
                assert [*step.calls[0].settings] == members, step.kernel
    helpers = {needed for name in KERNELS for needed in KERNELS[name].needs} | {
        "rescale_wide",
        "exponential",
        "golden",
        "prepare",
    }
    assert seen | helpers >= set(KERNELS) - {"softmax_wide"}


def test_every_operator_of_the_numpy_engine_has_a_kernel() -> None:
    shapes = {"GATHER", "PACK", "REDUCE_PROD", "RESHAPE", "SHAPE", "STRIDED_SLICE"}
    assert set(LOWERINGS) == set(OPERATORS) - shapes


@pytest.mark.long
def test_memory_of_the_default_model_is_small(converted_ready: Callable[..., bytes]) -> None:
    """Its largest layer, of 9,216 values, is pooled while it is computed; the next two have 3,456 values each."""
    program = lower(converted_ready("cnn", Precision.INT8))
    source = SourceCode(program, "cnn", "cnn", tuple("0123456789"), None, NO_GOLDEN)
    assert source.ram_bytes < 7_400
    assert source.flash_bytes < 24_000


def test_an_operator_without_a_kernel_is_an_error(originals: dict[str, Original], digits: Splits) -> None:
    content = load_plugin("tflite").convert(
        originals["linear"], ExportSpec("tflite", Precision.FLOAT32), Calibration.draw(digits.train, 10, seed=0)
    )
    with pytest.raises(OperatorError, match="The C code has no kernel for"):
        load_plugin("c").read(content)


def test_an_operator_with_two_outputs_is_an_error(converted_ready: Callable[..., bytes]) -> None:
    """As recurrent layers have, whose unrolled steps are outputs of UNPACK."""
    model = schema.ModelT.InitFromPackedBuf(bytearray(converted_ready("linear", Precision.INT8)), 0)
    first = model.subgraphs[0].operators[0]
    first.outputs = [*first.outputs, *first.outputs]
    with pytest.raises(OperatorError, match=r"has no kernel for .* with 2 outputs"):
        lower(packed(model))


def first_of(model: Any, operator: str) -> tuple[Any, list[Any], Any]:
    """Return the first operator with a name in a model that computes on quantized values, its inputs and its output."""
    graph, code = model.subgraphs[0], getattr(schema.BuiltinOperator, operator)
    found = next(
        each
        for each in graph.operators
        if model.operatorCodes[each.opcodeIndex].builtinCode == code
        and graph.tensors[each.outputs[0]].type in (schema.TensorType.INT8, schema.TensorType.INT16)
    )
    return found, [graph.tensors[number] for number in found.inputs], graph.tensors[found.outputs[0]]


def option(name: str, value: int) -> Callable[[Any, Any, list[Any], Any], None]:
    return lambda _model, found, _inputs, _output: setattr(found.builtinOptions, name, value)


def scale(_model: Any, _found: Any, _inputs: list[Any], output: Any) -> None:
    output.quantization.scale = [each * 2 for each in output.quantization.scale]


def tiny_scale(_model: Any, _found: Any, _inputs: list[Any], output: Any) -> None:
    output.quantization.scale = [1e-12] * len(output.quantization.scale)


def shape(place: int, *sides: int) -> Callable[[Any, Any, list[Any], Any], None]:
    return lambda _model, _found, inputs, _output: setattr(inputs[place], "shape", [*sides])


def numbers(place: int, *values: int) -> Callable[[Any, Any, list[Any], Any], None]:
    """Return an edit that replaces the first values of a constant input, int32."""

    def edit(model: Any, _found: Any, inputs: list[Any], _output: Any) -> None:
        buffer = model.buffers[inputs[place].buffer]
        kept = np.asarray(buffer.data, np.uint8).view(np.int32).copy()
        kept[: len(values)] = values
        buffer.data = kept.view(np.uint8)

    return edit


@pytest.mark.parametrize(
    ("name", "kind", "operator", "edit", "words"),
    [
        ("strided", "int8", "SOFTMAX", scale, "to another scale than 1/256 with zero point -128"),
        ("gated", "int8", "MAX_POOL_2D", scale, "with different scales of input and output"),
        ("gated", "int16x8", "LOGISTIC", scale, "with other scales than 1/32768, or with zero points"),
        ("gated", "int8", "PAD", numbers(1, 1), "negative ones or ones of the batch"),
        ("gated", "int8", "PAD", numbers(1, 0, 0, -1), "negative ones or ones of the batch"),
        ("depthwise", "int8", "MEAN", numbers(1, 1, 3), r"over the axes \[1, 3\], only over height and width"),
        ("depthwise", "int8", "CONV_2D", option("strideH", 65), r"strides of \(65, 2\)"),
        ("depthwise", "int8", "CONV_2D", option("padding", 1), r"from \(28, 28\) to \(1, 14, 14, 6\)"),
        ("depthwise", "int8", "FULLY_CONNECTED", option("weightsFormat", 1), r"with weights of shape \(10, 12\)"),
        ("depthwise", "int8", "CONV_2D", shape(2, 1, 6), r"a bias of shape \(1, 6\) for 6 channels"),
        ("depthwise", "int8", "FULLY_CONNECTED", shape(1, 1, 10, 12), r"with weights of shape \(1, 10, 12\)"),
        ("depthwise", "int8", "CONV_2D", shape(1, 2, 3, 3, 3), "in groups"),
        ("per_pixel", "int8", "CONCATENATION", option("fusedActivationFunction", 1), "with a fused activation"),
        ("per_pixel", "int8", "CONCATENATION", option("axis", 0), "along axis 0"),
        ("depthwise", "int8", "CONV_2D", tiny_scale, "with sums up to .*, which exceed 32 bits"),
        ("depthwise", "int16x8", "CONV_2D", tiny_scale, "with sums up to .*, which exceed 44 bits"),
        ("depthwise", "int8", "ADD", tiny_scale, "with sums up to .*, which exceed 32 bits"),
        ("depthwise", "int8", "MEAN", tiny_scale, r"of \d+ values, whose sum exceeds 32 bits"),
        ("gated", "int16x8", "MUL", tiny_scale, "with sums up to .*, which exceed 32 bits"),
        ("per_pixel", "int8", "CONCATENATION", scale, "with different types or scales of inputs and output"),
    ],
)
def test_what_no_kernel_computes_is_an_error(name: str, kind: str, operator: str, edit: Any, words: str) -> None:
    model = schema.ModelT.InitFromPackedBuf(bytearray(made(name, kind)), 0)
    edit(model, *first_of(model, operator))
    with pytest.raises(OperatorError, match=f"The C code has no kernel for {operator} .*{words}"):
        lower(packed(model))

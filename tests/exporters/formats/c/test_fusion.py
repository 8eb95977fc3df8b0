"""A convolution and the max pooling after it become one step with the same results."""

from dataclasses import replace
from typing import Any

import keras
import numpy as np
import pytest
from tests.shared.backend_cases import random_images, reference_scores
from tests.shared.c_programs import c_files, native
from tests.shared.operator_networks import converted, converted_wide

from mnist_exporters.formats.c.fusion import with_fused_pooling
from mnist_exporters.formats.c.graph import Call, Program, Step
from mnist_exporters.formats.c.lower import lower
from mnist_exporters.formats.c.memory import Memory
from mnist_exporters.formats.tflite.rewrites import with_static_batch
from mnist_exporters.inputs.keras_graph.dilated import without_batches


def network(conv: dict[str, Any], pool: dict[str, Any]) -> Any:
    def build(x: Any) -> Any:
        x = keras.layers.MaxPooling2D(**pool)(without_batches(keras.layers.Conv2D(6, **conv))(x))
        return keras.layers.Dense(10)(keras.layers.Flatten()(keras.layers.Conv2D(3, 3)(x)))

    return build


FUSED = {
    "no overlap": ({"kernel_size": 5, "activation": "relu"}, {}),
    "rows and columns that no window holds": ({"kernel_size": (2, 4)}, {"pool_size": (2, 3)}),
    "dilation and padding": (
        {"kernel_size": 3, "dilation_rate": (1, 2), "padding": "same"},
        {"pool_size": (3, 2)},
    ),
    "strided convolution": ({"kernel_size": 3, "strides": (2, 1), "padding": "same"}, {}),
    "a pooling with padding that needs none": ({"kernel_size": 3, "padding": "same"}, {"padding": "same"}),
}
APART = {
    "windows that overlap": ({"kernel_size": 3}, {"strides": 1}),
    "windows that go over the end": ({"kernel_size": 4}, {"padding": "same"}),
    "windows with gaps": ({"kernel_size": 3}, {"strides": 3}),
}


@pytest.fixture(scope="module")
def program() -> Program:
    return lower(with_static_batch(converted(network(*FUSED["no overlap"]))))


WINDOWS = {"height": 12, "width": 12, "out_height": 6, "out_width": 6, "low": -128, "high": 127} | dict.fromkeys(
    ("window_height", "window_width", "stride_y", "stride_x"), 2
)


@pytest.mark.long
@pytest.mark.parametrize("convert", [converted, converted_wide], ids=["int8", "int16x8"])
@pytest.mark.parametrize("name", [*FUSED, *APART])
def test_the_results_are_those_of_the_reference(convert: Any, name: str) -> None:
    content = with_static_batch(convert(network(*(FUSED | APART)[name])))
    kernels = [step.kernel for step in lower(content).steps]
    assert ("max_pool" in kernels) == (name in APART)
    images = random_images(40)
    assert np.array_equal(native(content, c_files(content)).run(images), reference_scores(content, images))


@pytest.mark.long
def test_a_convolution_that_another_layer_reads_too_keeps_its_output() -> None:
    def build(x: Any) -> Any:
        x = keras.layers.Conv2D(4, 3)(x)
        both = [keras.layers.MaxPooling2D(2)(x), keras.layers.AveragePooling2D(2)(x)]
        return keras.layers.Dense(10)(keras.layers.Flatten()(keras.layers.Add()(both)))

    content, images = with_static_batch(converted(build)), random_images(40)
    assert "max_pool" in [step.kernel for step in lower(content).steps]
    assert np.array_equal(native(content, c_files(content)).run(images), reference_scores(content, images))


def test_a_convolution_that_gives_the_scores_keeps_its_output(program: Program) -> None:
    first, second = program.steps[1], Step("max_pool", (Call((program.steps[1].output,), WINDOWS),), -1)
    alone = replace(program, steps=(first, second), output=first.output)
    assert with_fused_pooling(alone) == alone
    assert len(with_fused_pooling(replace(alone, output=-1)).steps) == 1


@pytest.mark.parametrize(
    "other",
    [{"height": 11}, {"width": 11}, {"stride_y": 1}, {"stride_x": 1}, {"low": 0}, {"high": 126}],
    ids=str,
)
def test_a_pooling_with_other_windows_or_a_narrower_range_is_a_step_of_its_own(
    program: Program, other: dict[str, int]
) -> None:
    """An activation after the pooling may be part of it."""
    first = program.steps[1]
    second = Step("max_pool", (Call((first.output,), WINDOWS | other),), -1)
    apart = replace(program, steps=(first, second), output=-1)
    assert with_fused_pooling(apart) == apart


def test_a_pooling_of_another_value_is_not_part_of_the_convolution_before_it(program: Program) -> None:
    first = program.steps[1]
    pool = Step("max_pool", (Call((program.input,), WINDOWS),), -1)
    both = Step("add", (Call((first.output, -1), {}),), -2)
    apart = replace(program, steps=(first, pool, both), output=-2)
    assert with_fused_pooling(apart) == apart


def test_the_output_of_the_convolution_needs_no_memory(program: Program) -> None:
    """28x28 pixels become 24x24 and then 12x12 places of 6 values."""
    assert Memory.of(program).size < 24 * 24 * 6

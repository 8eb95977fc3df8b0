import re
from pathlib import Path

import numpy as np
import pytest

from mnist_runtime.artifact.task import DIGITS, Task
from mnist_trainer import ModelError, Splits, evaluate, load_model
from mnist_trainer.keras_support import default_settings
from mnist_trainer.model_io.input_shape import accepted_shape, check_model
from mnist_trainer.model_io.measured.digit_model import DigitModel


@pytest.mark.long
@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("kind", ["lists", "dicts"])
def test_a_list_or_dict_of_one_tensor_is_unpacked(digits: Splits, kind: str) -> None:
    import keras

    ready = load_model("linear")
    tensors = (ready.inputs[0], ready.outputs[0])
    structure = (
        [[tensor] for tensor in tensors] if kind == "lists" else [{"pixels": tensors[0]}, {"scores": tensors[1]}]
    )
    model = keras.Model(*structure)
    images = digits.test.images[:5] / np.float32(255)
    assert np.array_equal(check_model(model).predict(images, verbose=0), ready.predict(images, verbose=0))
    assert evaluate(model, digits.test).as_dict() == evaluate(ready, digits.test).as_dict()


def network(policy: str = "float32", shape: tuple[int | None, ...] = (28, 28, 1), **options: object) -> object:
    """Return a small network with a nested model, a normalization and a Lambda layer, all of `policy`."""
    import keras

    layers = keras.layers
    with default_settings():
        keras.config.set_dtype_policy(policy)
        pixels = keras.Input(shape, **options)
        hidden = layers.Rescaling(1 / 255)(pixels)
        if len(shape) == 2:
            hidden = layers.Reshape((28, 28, 1))(hidden)
        normalization = layers.Normalization(axis=None)
        normalization.adapt(np.array([[0.0], [0.5]]))
        block = keras.Sequential([layers.Conv2D(4, 3, strides=2), layers.BatchNormalization(), layers.Dropout(0.5)])
        hidden = layers.Lambda(keras.ops.relu)(block(normalization(hidden)))
        return keras.Model(pixels, layers.Dense(10, activation="softmax")(layers.GlobalMaxPooling2D()(hidden)))


def answers(model: object, images: np.ndarray, size: int = 6) -> np.ndarray:
    """Return the scores of `model`, in batches of `size` and in the data type of its input."""
    parts = images.reshape(-1, *(28 if side is None else side for side in model.inputs[0].shape[1:]))
    scores = [model(parts[n : n + size].astype(model.inputs[0].dtype)) for n in range(0, len(parts), size)]
    return np.concatenate([np.asarray(part, np.float32) for part in scores])


@pytest.mark.parametrize(
    ("options", "tolerance"),
    [
        ({"policy": "mixed_float16"}, 1e-2),
        ({"policy": "mixed_bfloat16"}, 1e-1),
        ({"policy": "float16"}, 1e-2),
        ({"policy": "bfloat16"}, 1e-1),
        ({"policy": "float64"}, 1e-5),
        ({"policy": "float16", "dtype": "float16"}, 1e-2),
        ({"shape": (None, None, 1)}, 1e-6),
        ({"shape": (28, None, 1)}, 1e-6),
        ({"batch_size": 1}, 1e-6),
        ({"dtype": "uint8"}, 1e-6),
        ({"dtype": "int32", "shape": (None, None, 1), "policy": "mixed_float16"}, 1e-2),
    ],
    ids=str,
)
def test_a_model_of_another_kind_is_built_again_with_the_same_weights(
    options: dict[str, object], tolerance: float
) -> None:
    model = network(**options)
    policies = {layer.name: layer.dtype_policy.name for layer in model.layers}
    found = check_model(model)
    assert found is not model
    assert (found.input_shape, found.inputs[0].dtype, found.outputs[0].dtype) == ((None, 28, 28, 1), *["float32"] * 2)
    assert {layer.dtype_policy.name for layer in found._flatten_layers()} == {"float32"}
    images = np.random.default_rng(0).integers(0, 256, (6, 28, 28))
    expected = answers(model, images, size=1 if model.inputs[0].shape[0] else 6)
    assert np.allclose(answers(found, images), expected, atol=tolerance)
    assert {layer.name: layer.dtype_policy.name for layer in model.layers} == policies


@pytest.mark.parametrize(("shape", "size"), [((None, None), (28, 28)), ((28, None), (28, 28))])
def test_an_open_size_without_a_channel_is_closed(shape: tuple[int | None, ...], size: tuple[int, ...]) -> None:
    assert check_model(network(shape=shape)).input_shape == (None, *size)


def test_integers_that_the_network_counts_with_are_converted() -> None:
    """`x // 2` is another function of floats, so the conversion to integers stays."""
    import keras

    pixels = keras.Input((28, 28), dtype="uint8")
    halves = keras.ops.cast(keras.ops.floor_divide(pixels, 2), "float32")
    model = keras.Model(pixels, keras.layers.Dense(10)(keras.layers.Flatten()(halves * 2)))
    images = np.arange(2 * 784).reshape(2, 28, 28) % 256
    assert np.allclose(answers(check_model(model), images), answers(model, images))


def test_a_recurrent_layer_does_not_keep_its_state_from_batch_to_batch() -> None:
    import keras

    layers = [keras.Input(batch_shape=(3, 28, 28)), keras.layers.LSTM(4, stateful=True), keras.layers.Dense(10)]
    model = keras.Sequential(layers)
    images = np.random.default_rng(0).random((3, 28, 28)).astype(np.float32)
    first = np.asarray(model(images))
    found = check_model(model)
    assert [np.allclose(found(images), first, atol=1e-6) for _ in range(2)] == [True, True]


@pytest.mark.parametrize("mode", ["int8", "int4", "float8"])
@pytest.mark.parametrize("place", ["memory", "file"])
@pytest.mark.filterwarnings("ignore:Layer .* does not have a `quantize` method")
def test_a_model_quantized_by_keras_is_rejected(tmp_path: Path, mode: str, place: str) -> None:
    import keras

    model = keras.Sequential([keras.Input((28, 28)), keras.layers.Flatten(), keras.layers.Dense(10)])
    model.quantize(mode)
    model.save(tmp_path / "mine.keras")
    with pytest.raises(ModelError, match=rf"quantized by Keras \({mode}.*Give the model before model\.quantize"):
        check_model(model) if place == "memory" else load_model(tmp_path / "mine.keras")


def test_a_model_of_the_package_tf_keras_is_named() -> None:
    model = type("Functional", (), {"__module__": "tf_keras.src.engine.functional"})()
    with pytest.raises(ModelError, match=r"Keras 2 \(tf_keras\).*model\.save\('model\.keras'\)"):
        check_model(model)


def test_a_custom_layer_of_half_precision_is_named() -> None:
    import keras

    class Halve(keras.layers.Layer):
        def __init__(self) -> None:
            super().__init__(name="halve", dtype="mixed_float16")

        def call(self, inputs: object) -> object:
            return inputs / 2

    layers = [keras.Input((28, 28)), Halve(), keras.layers.Flatten(), keras.layers.Dense(10)]
    with pytest.raises(ModelError, match=r"layer 'halve' computes in mixed_float16.*set_dtype_policy\('float32'\)"):
        check_model(keras.Sequential(layers))


@pytest.mark.parametrize("shape", [(1, 28, 28), (1, 28, 28, 1), (28, 28, 1, 1), (784, 1), (1, 784)], ids=str)
def test_an_axis_of_length_one_may_be_anywhere(shape: tuple[int, ...], digits: Splits) -> None:
    import keras

    weights = [np.random.default_rng(0).normal(size=(784, 10)) / 30, np.zeros(10)]
    model, flat = (
        keras.Sequential([keras.Input(form), keras.layers.Flatten(), keras.layers.Dense(10)])
        for form in (shape, (28, 28))
    )
    model.set_weights(weights)
    flat.set_weights(weights)
    found, expected = (DigitModel.measure(each, digits.test, given="0..1") for each in (model, flat))
    np.testing.assert_array_equal(found.raw_scores(digits.test.images), expected.raw_scores(digits.test.images))


def test_a_color_image_has_its_channels_last() -> None:
    assert accepted_shape((3, 32, 20), Task(32, 20, 3)) is None


@pytest.mark.parametrize(
    "shape",
    [(32, 32, 1), (32, 32), (28, 28, 3), (32, 32, 3), (20, 20, 1), (29, 31, 1), (49, 16), (None, None, 3)],
)
def test_the_line_of_python_in_the_message_makes_a_digit_model(shape: tuple[int | None, ...]) -> None:
    import keras

    tail = keras.layers.GlobalMaxPooling2D() if None in shape else keras.layers.Flatten()
    model = keras.Sequential([keras.Input(shape), keras.layers.Dense(2), tail, keras.layers.Dense(10)])
    with pytest.raises(ModelError, match=r"it has inputs \[\(.* takes digits: model = ") as caught:
        check_model(model)
    names = {"keras": keras, "model": model}
    advice, *data = re.split(r" (?=If it classifies|Other images)", str(caught.value).partition("takes digits: ")[2])
    line, _, other = re.sub(r" That is for pixels .*? black on white\.", "", advice).partition(". If its images were ")
    exec(line.removesuffix("."), names)
    assert check_model(names["model"]).output_shape == (None, 10)
    assert other == {
        32: "resized: keras.layers.Resizing(32, 32) instead of ZeroPadding2D.",
        20: "cropped to their center: keras.layers.Cropping2D((4, 4)) instead of Resizing.",
    }.get(shape[0] or 0, "")
    if shape[0] == 20:
        exec(line.removesuffix(".").replace("Resizing(20, 20)", "Cropping2D((4, 4))"), names | {"model": model})
    if min(side or 8 for side in shape[:2]) >= 8:
        assert "--data PATH. A device then only resizes pictures, so they must look like these images" in data[0]


@pytest.mark.long
@pytest.mark.parametrize("shape", [(32, 32, 1), (32, 32), (32, 32, 3)], ids=str)
@pytest.mark.parametrize(
    ("kind", "scale", "offset"),
    [("", 1, 0), ("-1..1", 2, -1), ("mean and std", 1 / 0.3081, -0.1307 / 0.3081), ("1..0, black on white", -1, 1)],
    ids=["0..1", "-1..1", "mean", "inverted"],
)
def test_the_layers_in_the_message_pad_with_black_in_every_scaling(
    digits: Splits, shape: tuple[int, ...], kind: str, scale: float, offset: float
) -> None:
    """Padding behind the scaling would add gray or white, and cost accuracy without a word."""
    import keras

    keras.utils.set_random_seed(0)
    model = keras.Sequential([keras.Input(shape), keras.layers.Flatten(), keras.layers.Dense(10, activation="softmax")])
    images = digits.test.images[:50] / np.float32(255)
    padded = np.pad(images, ((0, 0), (2, 2), (2, 2))) * np.float32(scale) + np.float32(offset)
    expected = model.predict(np.stack([padded] * 3, -1) if shape[-1] == 3 else padded.reshape(-1, *shape), verbose=0)
    with pytest.raises(ModelError) as caught:
        check_model(model)
    line = re.search(r"model = (keras\.Sequential\(\[.*?, model\]\))", str(caught.value))[1]
    if kind:
        found = re.search(rf"(keras\.layers\.Rescaling\([^()]*\)) for {re.escape(kind)}", str(caught.value))
        line = line.replace("ZeroPadding2D((2, 2))", f"ZeroPadding2D((2, 2)), {found[1]}")
    wrapped = eval(line, {"keras": keras, "model": model, "mean": 0.1307, "std": 0.3081})
    exported = DigitModel.measure(check_model(wrapped), digits.test, given="0..1")
    scores = exported.raw_scores(digits.test.images[:50])
    np.testing.assert_allclose(scores, expected, atol=1e-5)


@pytest.mark.parametrize(
    ("inputs", "outputs", "words"),
    [
        ([(28, 28)], [(26,)], "It has 26 scores"),
        ([(28, 28)], [(10,), (1,)], r"several outputs.*keras\.Model\(model\.inputs\[0\], model\.outputs\[0\]\)"),
        ([(28, 28)], [(5,), (1,)], r"several outputs.*None of its outputs has the shape \(10,\)\.$"),
        ([(28, 28), (3,)], [(10,)], "several inputs"),
        ([(28, 28), (3,)], [(10,), (1,)], "several inputs and outputs.* inside the model as constants\\.$"),
        ([(5,)], [(10,)], "one input of shape"),
        ([(28, 28)], [(1, 10)], r"keras\.layers\.Flatten\(\)\]\)"),
    ],
)
def test_other_shapes_are_named(inputs: list[tuple[int, ...]], outputs: list[tuple[int, ...]], words: str) -> None:
    import keras

    tensors = [keras.Input(shape) for shape in inputs]
    joined = keras.layers.Concatenate()([keras.layers.Flatten()(tensor) for tensor in tensors])
    ends = [keras.layers.Reshape(shape)(keras.layers.Dense(int(np.prod(shape)))(joined)) for shape in outputs]
    with pytest.raises(ModelError, match=words):
        check_model(keras.Model(tensors, ends))


@pytest.mark.parametrize("task", [DIGITS, Task(28, 28, 1, tuple("abcdefg"))], ids=["digits", "other classes"])
@pytest.mark.parametrize("kind", ["outputs", "separate inputs", "merged inputs", "merged images"])
def test_the_line_for_several_inputs_or_outputs_makes_a_model_that_fits(kind: str, task: Task) -> None:
    import keras

    count, layers = len(task.labels), keras.layers
    image, other = keras.Input((28, 28, 1)), keras.Input((28, 28) if kind == "merged images" else (3,))
    flat, beside = layers.Flatten()(image), layers.Flatten()(other)
    if kind == "outputs":
        model = keras.Model(image, [layers.Dense(1)(flat), layers.Dense(count)(flat), layers.Dense(3)(flat)])
    elif kind == "separate inputs":
        model = keras.Model([other, image], [layers.Dense(count)(beside), layers.Dense(count)(flat)])
    else:
        model = keras.Model([other, image], layers.Dense(count)(layers.Concatenate()([beside, flat])))
    with pytest.raises(ModelError, match=r"It has several (in|out)puts") as caught:
        check_model(model, task)
    assert "--data" not in str(caught.value)
    names = {"keras": keras, "model": model}
    line = re.search(r"((?:image|model) = .*?\))(?:\.$|\. Other)", str(caught.value))
    exec(line[1], names)
    assert check_model(names["model"], task).output_shape == (None, count)
    if kind.startswith("merged"):
        images = np.random.default_rng(0).random((2, *names["model"].inputs[0].shape[1:]), np.float32)
        zero = np.zeros((2, *model.inputs[0].shape[1:]), np.float32)
        expected = model([zero, images] if kind == "merged inputs" else [images, np.zeros((2, 28, 28, 1))])
        np.testing.assert_allclose(names["model"](images), expected, rtol=1e-5, atol=1e-6)


def test_a_plain_model_is_returned_unchanged() -> None:
    model = load_model("cnn")
    assert check_model(model) is model


def test_a_model_that_is_not_built_is_reported() -> None:
    import keras

    with pytest.raises(ModelError, match="not built"):
        check_model(keras.Sequential([keras.layers.Flatten(), keras.layers.Dense(10)]))


def test_a_model_for_one_image_only_is_reported() -> None:
    import keras

    pixels = keras.Input((28, 28))
    one = keras.layers.Reshape((784,))(keras.ops.reshape(pixels, (1, 28, 28)))
    scores = keras.layers.Dense(10)(one)
    model = keras.Model(pixels, scores)
    with pytest.raises(ModelError, match="fails on a batch of two images"):
        check_model(model)


def test_a_model_that_is_called_twice_inside_a_model_is_built_again_once() -> None:
    import keras

    keras.config.set_dtype_policy("mixed_float16")
    try:
        inner = keras.Sequential([keras.layers.Dense(28, "tanh"), keras.layers.BatchNormalization()])
        rows = keras.Input((28, 28))
        model = keras.Model(rows, keras.layers.Dense(10)(keras.layers.Flatten()(inner(inner(rows)))))
    finally:
        keras.config.set_dtype_policy("float32")
    images = np.random.default_rng(0).random((3, 28, 28), np.float32)
    found = check_model(model)
    assert found.count_params() == model.count_params()
    np.testing.assert_allclose(found(images), np.asarray(model(images), np.float32), atol=0.02)

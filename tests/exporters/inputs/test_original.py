from collections.abc import Callable
from functools import cache

import keras
import numpy as np
import pytest
from tests.shared.export_cases import EACH_READY

from mnist_exporters import ModelError, Original, UsageError
from mnist_trainer import READY_MODELS, Splits, load_model

QUICK = ("linear", "mlp")
"""Models for the order of the images, which does not depend on their layers."""


@pytest.fixture(scope="module")
def ready() -> Callable[[str], object]:
    """Load a ready model, once."""
    return cache(load_model)


@pytest.fixture(scope="module")
def mlp(ready: Callable[[str], object]) -> object:
    return ready("mlp")


def reshaped(model: object, shape: tuple[int, ...], scale: float = 1.0, logits: bool = False) -> object:
    """Return `model` with another input shape or pixel range, or with logits."""
    pixels = keras.Input(shape)
    hidden = keras.layers.Reshape((28, 28))(keras.layers.Rescaling(scale)(pixels))
    for layer in model.layers[:-1]:
        hidden = layer(hidden)
    last = keras.layers.Dense(10, activation=None if logits else "softmax")
    scores = last(hidden)
    last.set_weights(model.layers[-1].get_weights())
    return keras.Model(pixels, scores)


@pytest.mark.long
@pytest.mark.parametrize("shape", [pytest.param((28, 28), marks=pytest.mark.slow), (28, 28, 1), (784,)])
@pytest.mark.parametrize(("scale", "pixel_range"), [(1.0, "0..1"), (1 / 255, "0..255")])
def test_input_shape_and_pixel_range_are_measured(
    mlp: object, digits: Splits, shape: tuple[int, ...], scale: float, pixel_range: str
) -> None:
    original = Original.from_keras(reshaped(mlp, shape, scale), digits.test)
    assert (original.pixel_range, original.activation) == (pixel_range, "softmax")
    images = digits.test.images[:50]
    expected = mlp.predict(images / np.float32(255), verbose=0)
    assert np.allclose(original.scores(images), expected, atol=1e-5)
    for model, pixels in (
        (original.pixel_model(), images[..., None]),
        (original.scaled_model(), images[..., None] * np.float32(1 / 255 if pixel_range == "0..1" else 1)),
    ):
        assert model.input_shape == (None, 28, 28, 1)
        assert np.allclose(model.predict(pixels, verbose=0), expected, atol=1e-5)


def test_images_that_are_right_under_both_ranges_give_the_smaller_one(mlp: object, digits: Splits) -> None:
    images = digits.test.images.astype(np.float32)
    right = [mlp.predict(images * scale, verbose=0).argmax(axis=1) == digits.test.labels for scale in (1 / 255, 1.0)]
    easy = digits.test.take(np.flatnonzero(right[0] & right[1]), "test")
    assert Original.from_keras(mlp, easy).pixel_range == "0..1"


@pytest.mark.long
def test_confident_mistakes_do_not_hide_the_larger_range(digits: Splits) -> None:
    keras.utils.set_random_seed(0)
    model = keras.Sequential([keras.Input((784,)), keras.layers.Dense(10, activation="softmax")])
    model.compile("adam", "sparse_categorical_crossentropy")
    pixels = digits.train.images.reshape(-1, 784).astype(np.float32)
    model.fit(pixels, digits.train.labels, batch_size=32, epochs=15, verbose=0)
    assert Original.from_keras(model, digits.test).pixel_range == "0..255"


@pytest.mark.parametrize(
    "name", [pytest.param(name, marks=() if name in QUICK else pytest.mark.slow) for name in READY_MODELS]
)
def test_range_of_the_ready_models_is_measured_on_sorted_images(
    digits: Splits, ready: Callable[[str], object], name: str
) -> None:
    order = np.argsort(digits.test.labels, kind="stable")
    assert Original.from_keras(ready(name), digits.test.take(order, "test")).pixel_range == "0..1"


@pytest.mark.long
@pytest.mark.parametrize("name", EACH_READY)
def test_range_and_activation_of_the_ready_models_are_measured(
    digits: Splits, ready: Callable[[str], object], name: str
) -> None:
    original = Original.from_keras(ready(name), digits.test)
    assert original.pixel_range == "0..1"
    assert original.activation == ("sigmoid" if name == "linear" else "softmax")


def test_logits_become_probabilities(mlp: object, digits: Splits) -> None:
    original = Original.from_keras(reshaped(mlp, (28, 28), logits=True), digits.test)
    assert original.activation == "logits"
    images = digits.test.images[:50]
    assert np.allclose(original.scores(images), mlp.predict(images / np.float32(255), verbose=0), atol=1e-5)
    assert np.allclose(original.scores(images), original.pixel_model().predict(images[..., None], verbose=0), atol=1e-5)


def test_given_range_is_used_unmeasured(mlp: object, digits: Splits) -> None:
    assert Original.from_keras(mlp, digits.test, pixel_range="0..255").pixel_range == "0..255"
    with pytest.raises(UsageError, match=r"0\.\.1, 0\.\.255"):
        Original.from_keras(mlp, digits.test, pixel_range="-1 to 1")


def test_model_with_nan_weights_is_an_error(digits: Splits) -> None:
    model = keras.Sequential(
        [keras.Input((784,)), keras.layers.Dense(10, kernel_initializer=keras.initializers.Constant(np.nan))]
    )
    with pytest.raises(ModelError, match="not finite numbers"):
        Original.from_keras(model, digits.test)


@pytest.mark.parametrize(("shape", "classes"), [((32, 32, 3), 10), ((28, 28), 2), ((28, 28, 3), 10), ((783,), 10)])
def test_model_of_another_shape_is_an_error(digits: Splits, shape: tuple[int, ...], classes: int) -> None:
    model = keras.Sequential([keras.Input(shape), keras.layers.Flatten(), keras.layers.Dense(classes)])
    with pytest.raises(ModelError, match="does not fit digits") as caught:
        Original.from_keras(model, digits.test)
    assert caught.value.exit_code == 5

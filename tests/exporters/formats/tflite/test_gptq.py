import numpy as np
import pytest
import tensorflow as tf

from mnist_exporters.formats.tflite.gptq import LEVELS, patches, round_weights


def layer(seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Return weights, and the moments of inputs that are similar to their neighbors, like pixels."""
    random = np.random.default_rng(seed)
    inputs = np.cumsum(random.normal(size=(2000, 24)), axis=1)
    return random.normal(size=(6, 24)), inputs.T @ inputs / len(inputs)


def error_of(rounded: np.ndarray, weights: np.ndarray, moments: np.ndarray) -> float:
    """Return the mean squared error of the layer's outputs."""
    errors = weights - rounded
    return float(np.sum((errors @ moments) * errors))


@pytest.mark.parametrize("seed", range(5))
def test_the_output_error_is_far_below_that_of_rounding_to_the_nearest(seed: int) -> None:
    weights, moments = layer(seed)
    rounded, scales = round_weights(weights, moments)
    step = np.abs(weights).max(axis=1, keepdims=True) / LEVELS
    nearest = np.rint(weights / step) * step
    assert error_of(rounded, weights, moments) < 0.2 * error_of(nearest, weights, moments)
    steps = rounded / scales[:, None]
    assert np.allclose(steps, np.rint(steps))
    assert np.abs(steps).max() <= LEVELS + 1e-9


def test_constant_zero_inputs_and_channels_are_handled() -> None:
    weights, moments = layer(0)
    moments[:5] = moments[:, :5] = 0
    weights[2] = 0
    rounded, scales = round_weights(weights, moments)
    assert np.isfinite(rounded).all()
    assert (scales > 0).all()
    assert not rounded[2].any()
    assert np.isfinite(round_weights(weights, np.zeros_like(moments))[0]).all()


def test_weights_that_are_on_a_grid_do_not_change() -> None:
    weights = np.array([[7.0, -3, 0, 2], [-7, 7, 1, 5]]) * np.array([[0.1], [0.02]])
    rounded, scales = round_weights(weights, np.eye(4))
    assert np.allclose(rounded, weights)
    assert np.allclose(scales, [0.1, 0.02])


@pytest.mark.parametrize("padding", ["same", "valid"])
@pytest.mark.parametrize(("strides", "dilations"), [((2, 3), (1, 1)), ((1, 1), (3, 2))])
def test_patches_times_kernel_is_the_convolution(
    padding: str, strides: tuple[int, int], dilations: tuple[int, int]
) -> None:
    random = np.random.default_rng(0)
    images, kernel = random.normal(size=(2, 9, 10, 3)), random.normal(size=(2, 5, 3, 4))
    expected = tf.nn.conv2d(images, kernel, strides, padding.upper(), dilations=dilations).numpy()
    flat = patches(images, (2, 5), strides, dilations, same=padding == "same")
    assert np.allclose(flat @ kernel.reshape(-1, 4), expected.reshape(-1, 4))

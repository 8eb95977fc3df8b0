"""Models that were trained on pictures with blue first, as OpenCV reads them."""

from pathlib import Path

import keras
import numpy as np
import pytest
from tests.shared.foreign_files import dense

from mnist_runtime.artifact.task import Task
from mnist_trainer import DigitModel, ModelError, PixelScaling
from mnist_trainer.data.dataset import ImageSet
from mnist_trainer.foreign.file_model import FileModel
from mnist_trainer.foreign.load import find_source

COLORS = Task(8, 8, 3, ("red", "green", "blue"), "plain")
WORDS = r"images with red first, as files get them, but on 100.0% of [\d,]+ with blue first"


@pytest.fixture(scope="module")
def colors() -> ImageSet:
    random = np.random.default_rng(0)
    labels = random.integers(0, 3, 900, np.uint8)
    images = random.integers(0, 60, (900, 8, 8, 3), np.uint8)
    images[np.arange(900), ..., labels] += 90
    return ImageSet("colors", images, labels, COLORS)


def network(kernel: np.ndarray) -> keras.Model:
    """Return a network whose scores are sums of the mean of each channel."""
    last = keras.layers.Dense(3, "softmax")
    model = keras.Sequential([keras.Input((8, 8, 3)), keras.layers.GlobalAveragePooling2D(), last])
    last.set_weights([20 * kernel, np.zeros(3)])
    return model


RED_FIRST, BLUE_FIRST = np.eye(3), np.eye(3)[::-1]


def test_a_model_with_blue_first_is_refused(colors: ImageSet) -> None:
    with pytest.raises(ModelError, match=f"{WORDS}.*exchange their channels: .*begin it with a layer that exchanges"):
        DigitModel.measure(network(BLUE_FIRST), colors)


def test_one_that_subtracts_a_mean_from_each_channel_is_refused_too(colors: ImageSet) -> None:
    """`keras.applications.vgg16.preprocess_input` gives such pixels."""
    model = network(BLUE_FIRST / 255)
    kernel, _ = model.layers[-1].get_weights()
    model.layers[-1].set_weights([kernel, kernel.T @ np.array([103.939, 116.779, 123.68])])
    with pytest.raises(ModelError, match=WORDS):
        DigitModel.measure(model, colors)


def test_a_file_with_blue_first_is_refused(colors: ImageSet, tmp_path: Path) -> None:
    kernel = np.tile(BLUE_FIRST, (64, 1)) / 40
    path = tmp_path / "net.onnx"
    path.write_bytes(dense(kernel, np.zeros(3), ("n", 8, 8, 3)).SerializeToString())
    with pytest.raises(ModelError, match=WORDS):
        FileModel.measure(find_source(path), colors)


def test_a_layer_that_exchanges_the_channels_cures_it(colors: ImageSet) -> None:
    exchange = keras.layers.Conv2D(3, 1, use_bias=False)
    images = keras.Input((8, 8, 3))
    model = keras.Model(images, network(BLUE_FIRST)(exchange(images)))
    exchange.set_weights([np.eye(3)[::-1].reshape(1, 1, 3, 3)])
    assert DigitModel.measure(model, colors).pixel_range == "0..1"


def test_a_stated_scaling_is_used_and_the_order_can_be_asked(colors: ImageSet) -> None:
    wrong = DigitModel.measure(network(BLUE_FIRST), colors, given=PixelScaling.between(0, 1))
    own, other = wrong.blue_first(colors)
    assert own.accuracy < 0.5
    assert other.accuracy == 1
    assert DigitModel.measure(network(RED_FIRST), colors, given="0..1").blue_first(colors) is None


@pytest.mark.parametrize("kernel", [RED_FIRST, np.ones((3, 3)), np.diag([1, 1, 0])], ids=["right", "none", "poor"])
def test_other_models_are_measured_however_well_they_read(colors: ImageSet, kernel: np.ndarray) -> None:
    assert DigitModel.measure(network(kernel), colors).range_origin == "measured"

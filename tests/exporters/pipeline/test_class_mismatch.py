"""Models whose classes differ from those of the data: in another order, or with one that no image shows."""

import re
from collections.abc import Sequence
from pathlib import Path

import keras
import numpy as np
import pytest

from mnist_exporters import RefusedError, export_model
from mnist_trainer import StatedTask

Arrays = tuple[tuple[np.ndarray, np.ndarray], tuple[np.ndarray, np.ndarray]]
SIDE = 8
FIVE = StatedTask(labels=tuple("01234"))


def patterns(labels: Sequence[int]) -> Arrays:
    """Return noisy pictures of one pattern for each label."""
    random = np.random.default_rng(0)
    drawn = random.integers(0, 200, (max(labels) + 1, SIDE, SIDE))
    numbers = np.resize(labels, 150 * len(labels))
    images = np.clip(drawn[numbers] + random.normal(0, 30, (len(numbers), SIDE, SIDE)), 0, 255).astype(np.uint8)
    half = len(numbers) // 3 * 2
    return (images[:half], numbers[:half]), (images[half:], numbers[half:])


def trained(data: Arrays, scores: Sequence[int], count: int, ends: Sequence[keras.layers.Layer]) -> keras.Model:
    """Return a model with `count` scores, in which that for label n is ``scores[n]``."""
    keras.utils.set_random_seed(0)
    (images, labels), _ = data
    layers = [keras.layers.Flatten(), keras.layers.Dense(24, "relu"), *ends]
    model = keras.Sequential([keras.Input((SIDE, SIDE)), *layers])
    assert model.output_shape == (None, count)
    model.compile(keras.optimizers.Adam(0.01), "sparse_categorical_crossentropy")
    model.fit(images / np.float32(255), np.asarray(scores)[labels], epochs=8, verbose=0)
    return model


@pytest.mark.long
def test_labels_in_the_order_of_sorted_names_are_stated_in_full(tmp_path: Path) -> None:
    """Keras numbers the folders 0 to 11 as 0, 1, 10, 11, 2, ..., so that 0 and 1 are right in both orders."""
    data = patterns(range(12))
    names = sorted(map(str, range(12)))
    scores = [names.index(str(number)) for number in range(12)]
    model = trained(data, scores, 12, [keras.layers.Dense(12, "softmax")])
    with pytest.raises(RefusedError, match="The labels seem to be in another order") as refused:
        export_model(model, tmp_path / "net.tflite", "int8", data)
    found = re.search(r"state their order: --labels (\S+)", str(refused.value))[1]
    assert found == "0,1,10,11,2,3,4,5,6,7,8,9"
    stated = StatedTask(labels=tuple(found.split(",")))
    assert export_model(model, tmp_path / "net.tflite", "int8", data, stated=stated).path.exists()


ENDS = {
    "softmax in the layer": lambda: [keras.layers.Dense(5, "softmax")],
    "softmax after it": lambda: [keras.layers.Dense(5, use_bias=False), keras.layers.Softmax()],
    "activation after it": lambda: [keras.layers.Dense(5), keras.layers.Activation("softmax")],
}


@pytest.mark.long
@pytest.mark.parametrize("end", ENDS)
def test_the_lines_for_a_score_without_images_make_a_model_that_is_proven(tmp_path: Path, end: str) -> None:
    data = patterns([1, 2, 3, 4])
    model = trained(data, range(5), 5, ENDS[end]())
    model.save(tmp_path / "anna's.keras")
    with pytest.raises(
        RefusedError, match=r"There are no test images of the class 0\. Give some with --data\. If"
    ) as no:
        export_model(tmp_path / "anna's.keras", tmp_path / "net.tflite", "int8", data, stated=FIVE)
    assert not (tmp_path / "net.tflite").exists()
    lines = re.search(r"cut these scores from the loaded model: (.*)\. Then export", str(no.value))[1]
    labels = re.search(r"same --data and --labels (\S+)", str(no.value))[1]
    loaded = keras.models.load_model(tmp_path / "anna's.keras")
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(tmp_path)
        exec(lines, {"keras": keras, "model": loaded})
    stated = StatedTask(labels=tuple(labels.split(",")))
    report = export_model(
        tmp_path / "anna's-4.keras", tmp_path / "net.tflite", "int8", data, stated=stated, max_accuracy_drop=0.02
    )
    assert report.path.exists()
    assert labels == "1,2,3,4"
    images = data[1][0] / np.float32(255)
    cut = keras.models.load_model(tmp_path / "anna's-4.keras")
    assert np.array_equal(cut.predict(images, verbose=0).argmax(1) + 1, model.predict(images, verbose=0).argmax(1))


@pytest.mark.long
def test_a_model_with_another_end_is_refused_without_lines(tmp_path: Path) -> None:
    data = patterns([1, 2, 3, 4])
    ends = [keras.layers.Dense(5), keras.layers.BatchNormalization(), keras.layers.Softmax()]
    with pytest.raises(RefusedError, match=r"There are no test images of the class 0\. Give some") as refused:
        export_model(trained(data, range(5), 5, ends), tmp_path / "net.tflite", "int8", data, stated=FIVE)
    assert "cut these scores" not in str(refused.value)

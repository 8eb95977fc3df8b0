"""Keras models and files of other tools for images and classes that are not those of MNIST."""

import json
from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper
from tests.shared.foreign_files import converted

from mnist_runtime.artifact.task import DIGITS
from mnist_trainer import DigitModel, ModelError, PixelScaling, Splits, evaluate, load_model
from mnist_trainer.data.stated import StatedTask
from mnist_trainer.evaluation.predictor import load_predictor
from mnist_trainer.foreign.file_model import FileModel
from mnist_trainer.foreign.load import find_source
from mnist_trainer.foreign.stated import stated_by_shape, stated_for
from mnist_trainer.model_io.input_shape import check_model


@pytest.fixture(scope="module")
def weights(fruits: Splits) -> tuple[np.ndarray, np.ndarray]:
    """Return kernel and bias of logits from the mean color of an image, 0..1, by least squares."""
    means = fruits.train.images.mean(axis=(1, 2)) / 255
    table = np.column_stack([means, np.ones(len(means))])
    found, *_ = np.linalg.lstsq(table, 20 * np.eye(3)[fruits.train.labels], rcond=None)
    return found[:3], found[3]


def network(
    weights: tuple[np.ndarray, np.ndarray], scaling: PixelScaling, shape: tuple[int | None, ...] = (20, 14, 3)
) -> object:
    """Return a Keras model of `weights` for pixels of a scaling."""
    import keras

    span = scaling.white - scaling.black
    scores = keras.layers.Dense(3, activation="softmax")
    first = keras.layers.Rescaling(1 / span, -scaling.black / span)
    model = keras.Sequential([keras.Input(shape), first, keras.layers.GlobalAveragePooling2D(), scores])
    scores.set_weights(list(weights))
    return model


def channels_first(weights: tuple[np.ndarray, np.ndarray]) -> onnx.ModelProto:
    """Return the same network for pixels 0..1 in ONNX, with colors before rows."""
    kernel, bias = (
        numpy_helper.from_array(part.astype(np.float32), name) for part, name in zip(weights, "kb", strict=True)
    )
    nodes = [
        helper.make_node("ReduceMean", ["input"], ["means"], axes=[2, 3], keepdims=0),
        helper.make_node("Gemm", ["means", "k", "b"], ["output"]),
    ]
    ends = [
        [helper.make_tensor_value_info(name, TensorProto.FLOAT, shape)]
        for name, shape in (("input", ["n", 3, 20, 14]), ("output", ["n", 3]))
    ]
    graph = helper.make_graph(nodes, "net", *ends, [kernel, bias])
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)


@pytest.mark.parametrize("name", ["0..1", "0..255", "-1..1", "0..1 inverted"])
def test_the_scaling_of_a_color_model_is_measured(
    weights: tuple[np.ndarray, np.ndarray], fruits: Splits, name: str
) -> None:
    found = DigitModel.measure(network(weights, PixelScaling.parse(name)), fruits.train)
    assert (found.pixel_range, found.range_origin, found.activation) == (name, "measured", "softmax")
    assert found.task == fruits.test.task
    assert np.mean(found.scores(fruits.test.images).argmax(axis=1) == fruits.test.labels) > 0.9


@pytest.mark.parametrize("suffix", [".tflite", ".onnx"])
def test_a_color_file_of_another_tool_is_evaluated(
    weights: tuple[np.ndarray, np.ndarray], fruits: Splits, tmp_path: Path, suffix: str
) -> None:
    path = tmp_path / f"net{suffix}"
    made = channels_first(weights).SerializeToString()
    path.write_bytes(made if suffix == ".onnx" else converted(network(weights, PixelScaling.parse("0..1"))))
    found = FileModel.measure(find_source(path), fruits.train)
    assert (found.pixel_range, found.task, found.channels_first) == ("0..1", fruits.test.task, suffix == ".onnx")
    answers = found.scores(fruits.test.images).argmax(axis=1)
    assert np.mean(answers == fruits.test.labels) > 0.9
    assert stated_for([path], "pictures") == StatedTask(size=(20, 14), channels=3, classes=3, converts=False)
    assert stated_for([path], "auto").is_empty


def test_an_open_size_is_that_of_the_data(
    weights: tuple[np.ndarray, np.ndarray], fruits: Splits, tmp_path: Path
) -> None:
    task, model = fruits.test.task, network(weights, PixelScaling.parse("0..1"), (None, None, 3))
    assert check_model(model, task).input_shape == (None, 20, 14, 3)
    model.save(tmp_path / "open.keras")
    model.export(tmp_path / "saved", verbose=False)
    expected = evaluate(model, fruits.test, "0..1").scores
    for name in ("open.keras", "saved"):
        loaded = load_model(tmp_path / name, task=task)
        assert loaded.input_shape == (None, 20, 14, 3)
        assert np.allclose(evaluate(loaded, fruits.test, "0..1").scores, expected, atol=1e-5)
    with pytest.raises(ModelError, match=r"does not fit digits.*If it classifies other images, .*: --data PATH"):
        load_model(tmp_path / "open.keras")


def test_models_of_other_images_or_classes_are_named(weights: tuple[np.ndarray, np.ndarray], digits: Splits) -> None:
    few = digits.test.take(np.arange(20), "test")
    with pytest.raises(ModelError, match=r"does not fit digits: it has inputs \[\(20, 14, 3\)\]"):
        DigitModel.measure(network(weights, PixelScaling.parse("0..1")), few)


def test_a_sealed_file_of_digits_is_not_compared_on_other_images(ready: dict[str, Path], fruits: Splits) -> None:
    with pytest.raises(
        ModelError, match=r"is for gray images of 28x28 pixels and the 10 labels 0, .*but the data has color"
    ):
        load_predictor(str(ready["tflite"]), fruits.test)


@pytest.mark.parametrize("labels", [tuple("0123456789"), tuple("9876543210"), tuple("abcdefghij")])
def test_a_record_of_other_classes_asks_for_their_images(tmp_path: Path, labels: tuple[str, ...]) -> None:
    facts = {"height": 28, "width": 28, "channels": 1, "labels": labels, "preparation": "plain"}
    record = {"architecture": "mlp", "pixel_range": "0..1", "dataset": "own", "task": facts}
    (tmp_path / "own.json").write_text(json.dumps(record))
    stated = StatedTask(labels=labels)
    assert stated_for([tmp_path / "own.keras"], "digits", stated) == stated, "their names are stated"
    if set(labels) == set(DIGITS.labels):
        assert stated_for([tmp_path / "own.keras"], "digits").is_empty
    else:
        with pytest.raises(ModelError, match=r"trained on the images of own, .* Give them with --data PATH\.$"):
            stated_for(["cnn", tmp_path / "own.keras"], "auto")


def test_sealed_files_and_damaged_ones_state_what_they_can(ready: dict[str, Path], tmp_path: Path) -> None:
    assert stated_for(["cnn", ready["onnx"]], "mine.npz").is_empty, "digits are the default"
    for name in ("mine.tflite", "mine.onnx", "mine.keras"):
        (tmp_path / name).write_bytes(b"PK\3\4 no model")
        assert stated_for([tmp_path / name], "mine.npz").is_empty
    user = StatedTask(labels=("a", "b"))
    assert stated_for(["cnn"], "mine.npz", user) == user
    assert stated_by_shape(DIGITS.tensor_shape, 11) == StatedTask(classes=11)

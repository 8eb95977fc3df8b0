import json
import re
import zipfile
from collections.abc import Callable
from pathlib import Path

import h5py
import numpy as np
import pytest

from mnist_trainer import ModelError, load_model
from mnist_trainer.model_io.keras_file.archive import LARGEST_CONFIG
from mnist_trainer.model_io.keras_file.load import check_keras_file

pytestmark = pytest.mark.filterwarnings("ignore:You are saving your model as an HDF5 file")


def rewritten(path: Path, change: Callable[[str], str]) -> None:
    """Change the text of the configuration inside `path`."""
    if path.suffix == ".h5":
        with h5py.File(path, "r+") as file:
            file.attrs["model_config"] = change(file.attrs["model_config"])
        return
    with zipfile.ZipFile(path) as source:
        members = {name: source.read(name) for name in source.namelist()}
    with zipfile.ZipFile(path, "w") as target:
        for name, content in members.items():
            target.writestr(name, change(content.decode()) if name == "config.json" else content)


@pytest.fixture
def lambda_model(tmp_path: Path) -> Callable[[str, str], tuple[Path, Path]]:
    """Save a digit model with a lambda that creates a file; return both paths."""
    import keras

    def make(name: str, place: str) -> tuple[Path, Path]:
        marker, path = tmp_path / "executed", tmp_path / name
        layer = keras.layers.Lambda(eval(f"lambda x: (open({str(marker)!r}, 'w').close(), x)[1]"))
        if place == "in a model":
            layer = keras.Sequential([keras.Input((28, 28)), layer])
        if place == "in a wrapper":
            layer = keras.layers.TimeDistributed(layer)
        scores = keras.layers.Dense(10, activation="softmax")
        keras.Sequential([keras.Input((28, 28)), layer, keras.layers.Flatten(), scores]).save(path)
        marker.unlink()  # building the model called the lambda
        return path, marker

    return make


@pytest.mark.parametrize("name", ["mine.keras", "mine.h5"])
@pytest.mark.parametrize("place", ["plain", "in a model", "in a wrapper"])
def test_code_inside_a_file_runs_only_if_it_is_trusted(
    lambda_model: Callable[[str, str], tuple[Path, Path]], name: str, place: str
) -> None:
    path, marker = lambda_model(name, place)
    with pytest.raises(ModelError, match=r"not loaded, since its Lambda layer.*--trust") as caught:
        load_model(str(path))
    assert not marker.exists()
    assert caught.value.exit_code == 5
    model = load_model(str(path), trust=True)
    assert marker.exists()
    assert model.predict(np.zeros((1, 28, 28)), verbose=0).shape == (1, 10)


@pytest.mark.parametrize("version", ["3.0.0", "2.15.0", "2.2.4"])
@pytest.mark.parametrize(
    ("old", "new"),
    [
        ('"Lambda"', '"layers.Lambda"'),
        ('"Lambda"', '"keras>Lambda"'),
        ('"class_name": "Lambda"', '"class_name": "Activation", "registered_name": null'),
    ],
)
@pytest.mark.parametrize("name", ["mine.keras", "mine.h5"])
def test_renamed_code_is_found(
    lambda_model: Callable[[str, str], tuple[Path, Path]], name: str, old: str, new: str, version: str
) -> None:
    path, marker = lambda_model(name, "plain")
    rewritten(path, lambda text: text.replace(old, new))
    if path.suffix == ".h5":
        with h5py.File(path, "r+") as file:
            file.attrs["keras_version"] = version
    with pytest.raises(ModelError, match="not loaded"):
        load_model(str(path))
    assert not marker.exists()


def test_code_in_the_form_of_keras_2_is_found(lambda_model: Callable[[str, str], tuple[Path, Path]]) -> None:
    path, marker = lambda_model("mine.h5", "plain")

    def as_keras_2(text: str) -> str:
        config = json.loads(text)
        inner = next(layer for layer in config["config"]["layers"] if layer["class_name"] == "Lambda")["config"]
        inner["function"] = list(inner["function"]["config"].values())
        inner["function_type"] = "lambda"
        return json.dumps(config)

    rewritten(path, as_keras_2)
    with pytest.raises(ModelError, match="not loaded"):
        load_model(str(path))
    assert not marker.exists()
    load_model(str(path), trust=True)
    assert marker.exists()


@pytest.mark.parametrize(
    ("module", "name"),
    [
        ("os", "system"),
        ("keras.utils", "get_file"),
        ("keras.src.utils.file_utils", "get_file"),
        ("keras.config", "enable_unsafe_deserialization"),
        ("keras.models", "load_model"),
        ("keras", "models.load_model"),
        ("keras.src.models.cloning", "clone_model"),
        ("builtins", "eval"),
    ],
)
def test_functions_outside_the_layers_of_keras_are_rejected(tmp_path: Path, module: str, name: str) -> None:
    path = tmp_path / "mine.keras"
    load_model("linear").save(path)
    function = {"class_name": "function", "module": module, "config": name, "registered_name": name}
    rewritten(path, lambda text: text.replace('"activation": "sigmoid"', f'"activation": {json.dumps(function)}'))
    for trust in (False, True):
        with pytest.raises(ModelError, match=f"{name!r} is not part of Keras 3"):
            load_model(str(path), trust=trust)


@pytest.mark.filterwarnings("ignore:You are saving your model as an HDF5 file")
@pytest.mark.parametrize("name", ["mine.keras", "mine.h5"])
def test_the_function_of_a_lambda_layer_is_not_called_a_layer(tmp_path: Path, name: str) -> None:
    """The file has the name of a function that `def` made, but not its code, so trust does not help."""
    import keras

    def halve(pixels: object) -> object:
        return pixels / 2

    layers = [keras.Input((28, 28)), keras.layers.Lambda(halve), keras.layers.Flatten(), keras.layers.Dense(10)]
    keras.Sequential(layers).save(tmp_path / name)
    with pytest.raises(ModelError, match=r"The function 'halve' is not part of Keras 3: it is that of a Lambda layer"):
        load_model(str(tmp_path / name), trust=True)


@pytest.mark.parametrize("name", ["mine.keras", "mine.h5"])
def test_a_loss_of_the_users_is_not_needed(tmp_path: Path, name: str) -> None:
    def squared(labels: object, scores: object) -> object:
        return (labels - scores) ** 2

    model = load_model("linear")
    model.compile("sgd", squared)
    model.save(tmp_path / name)
    assert np.array_equal(load_model(tmp_path / name).get_weights()[0], model.get_weights()[0])


@pytest.mark.parametrize("name", ["mine.keras", "mine.h5"])
def test_a_custom_layer_is_rejected_unless_it_is_registered(tmp_path: Path, name: str) -> None:
    import keras

    class Halve(keras.layers.Layer):
        def call(self, inputs: object) -> object:
            return inputs / 2

    layers = [keras.Input((28, 28)), Halve(), keras.layers.Flatten(), keras.layers.Dense(10)]
    keras.Sequential(layers).save(tmp_path / name)
    with pytest.raises(ModelError, match=r"'Halve' is not part of Keras 3.*model\.export"):
        load_model(str(tmp_path / name))
    with keras.saving.custom_object_scope({"Halve": Halve}):
        assert load_model(str(tmp_path / name)).output_shape == (None, 10)


@pytest.mark.long
@pytest.mark.parametrize("name", ["mine.keras", "mine.h5"])
def test_builtin_layers_of_all_kinds_load(tmp_path: Path, name: str) -> None:
    import keras

    layers = keras.layers
    pixels = keras.Input((28, 28, 1))
    hidden = layers.Conv2D(2, 3, activation="relu", kernel_regularizer="l2", kernel_constraint="max_norm")(pixels)
    hidden = layers.BatchNormalization()(hidden) if name.endswith("h5") else layers.BatchNormalization()(hidden) + 1
    block = keras.Sequential([layers.DepthwiseConv2D(3), layers.ReLU(), layers.Dropout(0.1)])
    block.compile("adam", "mse")
    hidden = layers.Add()([block(hidden), layers.Cropping2D(1)(hidden)])
    hidden = layers.Bidirectional(layers.GRU(3))(layers.Reshape((24, -1))(hidden))
    scores = layers.Dense(10, activation=keras.activations.log_softmax, dtype="mixed_float16")(hidden)
    model = keras.Model(pixels, scores)
    model.save(tmp_path / name)
    images = np.random.default_rng(0).random((2, 28, 28, 1)).astype(np.float32)
    loaded = load_model(str(tmp_path / name))
    assert np.allclose(loaded.predict(images, verbose=0), model.predict(images, verbose=0), atol=1e-2)


def test_a_file_of_weights_only_is_reported(tmp_path: Path) -> None:
    load_model("linear").save_weights(tmp_path / "mine.weights.h5")
    load_model("linear").save(tmp_path / "mine.h5")
    with h5py.File(tmp_path / "mine.h5") as whole, h5py.File(tmp_path / "old.h5", "w") as file:
        for name in whole["model_weights"]:  # as Keras 2 wrote weights
            whole.copy(whole["model_weights"][name], file)
        file.attrs["layer_names"] = list(whole["model_weights"])
    for name in ("mine.weights.h5", "old.h5"):
        with pytest.raises(ModelError, match=r"weights only.*load the weights.*model\.save"):
            load_model(str(tmp_path / name))


@pytest.mark.parametrize("damage", ["truncated", "zeros", "no weights", "config of something else"])
def test_a_damaged_hdf5_file_is_reported(tmp_path: Path, damage: str) -> None:
    path = tmp_path / "mine.h5"
    load_model("linear").save(path)
    whole = path.read_bytes()
    if damage == "truncated":
        path.write_bytes(whole[: len(whole) // 2])
    elif damage == "zeros":
        path.write_bytes(whole[:100] + bytes(len(whole) - 100))
    else:
        with h5py.File(path, "r+") as file:
            if damage == "no weights":
                del file["model_weights"]
            else:
                file.attrs["model_config"] = '["not", "a", "model"]'
    with pytest.raises(ModelError, match="damaged" if damage in ("truncated", "zeros") else "cannot be loaded"):
        load_model(str(path))


@pytest.mark.parametrize("kind", ["mine.keras", "mine.h5"])
@pytest.mark.parametrize("suffix", [".keras", ".h5", ".hdf5", ".model", ""])
def test_a_file_is_read_by_its_content_whatever_its_suffix(tmp_path: Path, kind: str, suffix: str) -> None:
    model = load_model("linear")
    model.save(tmp_path / kind)
    path = (tmp_path / kind).rename(tmp_path / f"other{suffix}")
    check_keras_file(path)
    assert np.array_equal(load_model(path).get_weights()[0], model.get_weights()[0])


def test_an_archive_that_grows_when_unpacked_is_rejected(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("mnist_trainer.model_io.keras_file.archive.MOST_BYTES", 2**20)
    path = tmp_path / "mine.keras"
    load_model("linear").save(path)
    with zipfile.ZipFile(path, "a", zipfile.ZIP_DEFLATED) as file:
        file.writestr("assets/zeros", bytes(2**20))
    with pytest.raises(ModelError, match=r"holds 0\.0 GiB in 4 files when unpacked"):
        load_model(path)
    monkeypatch.undo()
    monkeypatch.setattr("mnist_trainer.model_io.keras_file.archive.MOST_MEMBERS", 3)
    with pytest.raises(ModelError, match=r"in 4 files when unpacked"):
        load_model(path)


@pytest.mark.parametrize("large", ["config.json", "metadata.json"])
def test_a_configuration_that_grows_when_unpacked_is_rejected(tmp_path: Path, large: str) -> None:
    path = tmp_path / "mine.keras"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as file:
        for name in ("config.json", "metadata.json"):
            file.writestr(name, b"{}" + bytes(LARGEST_CONFIG if name == large else 0))
    with pytest.raises(ModelError, match=rf"holds a {large} of 16 MiB when unpacked"):
        load_model(path)


NAMES = {
    "tf": "lambda x: tf.expand_dims(x, -1)",
    "keras": "lambda x: keras.ops.expand_dims(x, -1)",
    "K": "lambda x: K.expand_dims(x, -1)",
    "np": "lambda x: x * np.float32(2)",
}


@pytest.mark.parametrize("name", ["mine.keras", "mine.h5"])
@pytest.mark.parametrize("used", NAMES)
def test_the_functions_of_a_trusted_file_know_the_usual_names(tmp_path: Path, name: str, used: str) -> None:
    import keras
    import tensorflow as tf
    from keras.src.legacy import backend
    from keras.src.utils import python_utils

    function = eval(NAMES[used], {"tf": tf, "keras": keras, "np": np, "K": backend})
    shape = {"output_shape": (28, 28, 1)} if used == "K" else {}
    layers = [keras.layers.Lambda(function, **shape), keras.layers.Flatten(), keras.layers.Dense(10)]
    model = keras.Sequential([keras.Input((28, 28)), *layers])
    model.save(tmp_path / name)
    with pytest.raises(ModelError, match="not loaded"):
        load_model(tmp_path / name)
    before = dict(vars(python_utils))
    found = load_model(tmp_path / name, trust=True)
    images = np.random.default_rng(0).random((2, 28, 28)).astype(np.float32)
    assert np.allclose(found(images), model(images), atol=1e-6)
    assert vars(python_utils) == before, "what Keras loads elsewhere does not change"


@pytest.mark.parametrize("code", ["4wAA", "/w==", "MA=="], ids=["cut off", "of an unknown type", "empty"])
def test_a_function_compiled_by_another_python_is_named(
    lambda_model: Callable[[str, str], tuple[Path, Path]], code: str
) -> None:
    path, _ = lambda_model("mine.keras", "plain")
    rewritten(path, lambda text: re.sub(r'"code": "[^"]*"', f'"code": "{code}"', text))
    with pytest.raises(ModelError, match=r"compiled by another version of Python.*model\.export"):
        load_model(path, trust=True)


def test_a_model_of_too_many_layers_is_rejected(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import keras

    inner = keras.Sequential([keras.Input((28, 28)), keras.layers.Flatten(), keras.layers.Dense(10)])
    path = tmp_path / "mine.keras"
    keras.Sequential([keras.Input((28, 28)), inner]).save(path)
    monkeypatch.setattr("mnist_trainer.model_io.keras_file.load.MOST_LAYERS", 5)
    assert load_model(path).output_shape == (None, 10)
    monkeypatch.setattr("mnist_trainer.model_io.keras_file.load.MOST_LAYERS", 4)
    with pytest.raises(ModelError, match="has 5 layers, but at most 4 are loaded"):
        load_model(path)


def test_a_deeply_nested_configuration_is_reported(tmp_path: Path) -> None:
    path = tmp_path / "mine.keras"
    with zipfile.ZipFile(path, "w") as file:
        file.writestr("config.json", "[" * 100_000)
    with pytest.raises(ModelError, match="cannot be loaded"):
        load_model(str(path))


@pytest.mark.parametrize("trust", [False, True])
def test_keras_gets_nothing_but_the_model(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, trust: bool) -> None:
    """It unpacks every other member onto the disk."""
    import keras

    path = tmp_path / "mine.keras"
    load_model("linear").save(path)
    with zipfile.ZipFile(path, "a") as file:
        file.writestr("assets/one", b"1")
        file.writestr("../outside", b"1")
    names, load = [], keras.models.load_model

    def spy(path: Path, **rest: object) -> object:
        with zipfile.ZipFile(path) as file:
            names.extend(file.namelist())
        return load(path, **rest)

    monkeypatch.setattr(keras.models, "load_model", spy)
    load_model(path, trust=trust)
    model = ["config.json", "metadata.json", "model.weights.h5"]
    assert sorted(names) == (sorted([*model, "assets/one", "../outside"]) if trust else model)

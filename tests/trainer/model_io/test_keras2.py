import json
import zipfile
from pathlib import Path

import h5py
import numpy as np
import pytest

from mnist_trainer import ModelError, load_model
from mnist_trainer.model_io.keras2 import REMOVED_FROM, as_keras3

pytestmark = pytest.mark.filterwarnings("ignore:You are saving your model as an HDF5 file")

# As tf.keras 2.15 writes it for Sequential([Flatten(input_shape=(28, 28)), Dense(10, activation="sigmoid")]).
SOURCE = {"batch_input_shape": [None, 28, 28], "dtype": "float32", "sparse": False, "ragged": False, "name": "source"}
FLATTEN = {
    "name": "flatten",
    "trainable": True,
    "dtype": "float32",
    "batch_input_shape": [None, 28, 28],
    "data_format": "channels_last",
}
DENSE = {
    "name": "scores",
    "trainable": True,
    "dtype": "float32",
    "units": 10,
    "activation": "sigmoid",
    "use_bias": True,
    "kernel_initializer": {"class_name": "GlorotUniform", "config": {"seed": None}},
    "bias_initializer": {"class_name": "Zeros", "config": {}},
    "kernel_regularizer": None,
    "bias_regularizer": None,
    "activity_regularizer": None,
    "kernel_constraint": None,
    "bias_constraint": None,
}
LAYERS = [
    {"class_name": "InputLayer", "config": SOURCE},
    {"class_name": "Flatten", "config": FLATTEN},
    {"class_name": "Dense", "config": DENSE},
]
FUNCTIONAL = {
    "name": "model",
    "trainable": True,
    "layers": [
        {**LAYERS[0], "name": "source", "inbound_nodes": []},
        {**LAYERS[1], "name": "flatten", "inbound_nodes": [[["source", 0, 0, {}]]]},
        {**LAYERS[2], "name": "scores", "inbound_nodes": [[["flatten", 0, 0, {}]]]},
    ],
    "input_layers": [["source", 0, 0]],
    "output_layers": [["scores", 0, 0]],
}
MODELS = {
    "2.15.0": {"class_name": "Sequential", "config": {"name": "sequential", "layers": LAYERS}},
    "2.2.4-tf": {"class_name": "Sequential", "config": {"name": "sequential", "layers": LAYERS[1:]}},
    "2.1.6": {"class_name": "Sequential", "config": LAYERS[1:]},
    "2.11.0": {"class_name": "Functional", "config": FUNCTIONAL},
    "2.2.4": {"class_name": "Model", "config": FUNCTIONAL},
}


def with_modules(config: object) -> object:
    """Return a configuration as tf.keras 2.15 writes it into ``.keras`` files: each object names its module."""
    if isinstance(config, list):
        return [with_modules(value) for value in config]
    if not isinstance(config, dict):
        return config
    entry = {key: with_modules(value) for key, value in config.items()}
    if "class_name" not in entry:
        return entry
    name = entry["class_name"]
    initializer = name in ("GlorotUniform", "Zeros")
    module = {"Sequential": "keras", "Functional": "keras.src.engine.functional"}.get(name, "keras.layers")
    return entry | {
        "module": "keras.initializers" if initializer else module,
        "registered_name": "Functional" if name == "Functional" else None,
    }


@pytest.mark.parametrize("version", MODELS)
def test_h5_files_of_keras_2_give_the_same_scores(tmp_path: Path, version: str) -> None:
    model, path = load_model("linear"), tmp_path / "old.h5"
    model.save(path)
    with h5py.File(path, "r+") as file:
        file.attrs["model_config"] = json.dumps(MODELS[version])
        file.attrs["keras_version"] = version.encode()  # bytes, as old h5py wrote it
    before = path.read_bytes()
    images = np.random.default_rng(0).random((5, 28, 28)).astype(np.float32)
    loaded = load_model(str(path))
    assert np.array_equal(loaded.predict(images, verbose=0), model.predict(images, verbose=0))
    assert path.read_bytes() == before


@pytest.mark.parametrize("version", ["2.15.0", "2.11.0"])
def test_keras_files_of_keras_2_give_the_same_scores(tmp_path: Path, version: str) -> None:
    model, path = load_model("linear"), tmp_path / "old.keras"
    model.save(tmp_path / "new.keras")
    with zipfile.ZipFile(tmp_path / "new.keras") as source, zipfile.ZipFile(path, "w") as target:
        weights = tmp_path / "model.weights.h5"
        weights.write_bytes(source.read("model.weights.h5"))
        with h5py.File(weights, "r+") as file:
            assert set(file["layers"]) == {"flatten", "dense"}  # by kind, not by name, in Keras 2 as in Keras 3
        target.write(weights, "model.weights.h5")
        target.writestr("config.json", json.dumps(with_modules(MODELS[version])))
        target.writestr("metadata.json", json.dumps({"keras_version": "2.15.0"}))
    images = np.random.default_rng(0).random((5, 28, 28)).astype(np.float32)
    assert np.array_equal(load_model(str(path)).predict(images, verbose=0), model.predict(images, verbose=0))


@pytest.mark.parametrize("name", REMOVED_FROM)
def test_arguments_that_keras_3_removed_are_left_out(name: str) -> None:
    import keras

    kind = getattr(keras.layers, name)
    dense = {"filters": 2, "kernel_size": 3, "groups": 1, "kernel_initializer": "zeros"}
    spatial = {"rate": 0.1, "trainable": True, "noise_shape": None}
    config = spatial if name.startswith("Spatial") else dense
    if name.startswith("Depthwise"):
        config = {key: value for key, value in dense.items() if key not in ("filters", "kernel_initializer")}
    changed = as_keras3({"class_name": name, "config": config | {"batch_input_shape": [None, 28, 28]}})
    kind(**changed["config"])
    with pytest.raises((TypeError, ValueError)):
        kind(**config)


def test_arguments_that_change_the_result_stay() -> None:
    for name, argument, value in (("LSTM", "time_major", True), ("DepthwiseConv2D", "groups", 2)):
        assert as_keras3({"class_name": name, "config": {argument: value}})["config"] == {argument: value}


def test_dtype_policies_axes_and_nested_layers_are_translated() -> None:
    policy = {"class_name": "Policy", "config": {"name": "mixed_float16"}}
    old = {"class_name": "BatchNormalization", "config": {"axis": [3], "dtype": policy, "momentum": 0.9}}
    wrapped = {
        "class_name": "Bidirectional",
        "config": {"layer": {"class_name": "GRU", "config": {"time_major": False}}},
    }
    assert as_keras3(old)["config"] == {"axis": 3, "dtype": "mixed_float16", "momentum": 0.9}
    assert as_keras3(wrapped)["config"]["layer"]["config"] == {}


def test_a_function_that_changed_its_meaning_is_rejected(tmp_path: Path) -> None:
    path = tmp_path / "old.h5"
    load_model("linear").save(path)
    dense = {"class_name": "Dense", "config": DENSE | {"activation": "hard_sigmoid"}}
    with h5py.File(path, "r+") as file:
        file.attrs["model_config"] = json.dumps({"class_name": "Sequential", "config": [*LAYERS[:2], dense]})
        file.attrs["keras_version"] = "2.15.0"
    with pytest.raises(ModelError, match=r"hard_sigmoid.*model\.save\('folder'\)"):
        load_model(str(path))

import json
import zipfile
from pathlib import Path

import h5py
import numpy as np
import pytest

from mnist_trainer import ModelError, load_model
from mnist_trainer.model_io.keras_file.keras2.facts import ANY, NO_OPERATION, REMOVED_FROM
from mnist_trainer.model_io.keras_file.keras2.translate import as_keras3

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
        file.attrs["keras_version"] = np.bytes_(version)  # as old h5py wrote it
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


def old(name: str, **config: object) -> dict[str, object]:
    """Return a layer as Keras 2 describes it."""
    return {"class_name": name, "config": {"name": "old", "trainable": True, "dtype": "float32", **config}}


def old_hard_sigmoid(x: object) -> object:
    import keras

    return keras.ops.clip(0.2 * x + 0.5, 0, 1)


ZEROS = {"class_name": "Zeros", "config": {"dtype": "float32"}}  # TensorFlow 1 wrote the data type
KERNEL = {"kernel_initializer": {"class_name": "GlorotUniform", "config": {"seed": None, "dtype": "float32"}}}
DENSE_4 = {"units": 4, "use_bias": True, "bias_initializer": ZEROS, **KERNEL}
RNN = {"units": 3, "activation": "tanh", "recurrent_activation": "hard_sigmoid", "time_major": False, **KERNEL}

LAYERS_OF_KERAS_2 = {
    "softmax_v2": (old("Dense", **DENSE_4, activation="softmax_v2"), "Dense", {"units": 4, "activation": "softmax"}),
    "log_softmax_v2": (old("Activation", activation="log_softmax_v2"), "Activation", {"activation": "log_softmax"}),
    "swish": (old("Activation", activation="swish"), "Activation", {"activation": "silu"}),
    "hard_sigmoid": (
        old("Dense", **DENSE_4, activation="hard_sigmoid"),
        "Dense",
        {"units": 4, "activation": old_hard_sigmoid},
    ),
    "a function by its name": (
        old("Activation", activation={"class_name": "function", "config": "relu", "module": "builtins"}),
        "Activation",
        {"activation": "relu"},
    ),
    "VarianceScaling": (
        old("Conv2D", filters=2, kernel_size=[3, 3], kernel_initializer={
            "class_name": "VarianceScaling", "config": {"scale": 2.0, "mode": "fan_in", "distribution": "normal"}
        }),
        "Conv2D",
        {"filters": 2, "kernel_size": 3},
    ),
    "a custom initializer": (old("Dense", units=4, kernel_initializer="mine"), "Dense", {"units": 4}),
    "a custom regularizer": (old("Dense", units=4, kernel_regularizer={"class_name": "My"}), "Dense", {"units": 4}),
    "BatchNormalizationV1": (
        old("BatchNormalizationV1", axis=[3], fused=True, renorm=False, gamma_initializer=ZEROS),
        "BatchNormalization",
        {},
    ),
    "LayerNormalization": (old("LayerNormalization", axis=[1, 2]), "LayerNormalization", {"axis": [1, 2]}),
    "ThresholdedReLU": (old("ThresholdedReLU", theta=0.5), "ReLU", {"threshold": 0.5}),
    "ThresholdedReLU 2.2": (
        old("ThresholdedReLU", theta={"type": "ndarray", "value": 0.5}), "ReLU", {"threshold": 0.5}
    ),
    "LeakyReLU": (old("LeakyReLU", alpha=0.2), "LeakyReLU", {"negative_slope": 0.2}),
    "TimeDistributed": (
        old("TimeDistributed", layer=old("Dense", **DENSE_4)), "TimeDistributed", {"layer": ("Dense", {"units": 4})},
    ),
    "SpatialDropout2D": (old("SpatialDropout2D", rate=0.1, noise_shape=None), "Identity", {}),
    "RandomFlip": (old("Preprocessing>RandomFlip", mode="horizontal", seed=None), "Identity", {}),
    "RandomRotation": (old("Experimental>RandomRotation", factor=0.1, rng_type="stateless"), "Identity", {}),
    **{
        name: (old(name, factor=0.1, seed=None), "Identity", {})
        for name in NO_OPERATION
    },
}  # fmt: skip
"""A layer of Keras 2, the class of Keras 3 that does the same, and its arguments."""


@pytest.mark.long
@pytest.mark.parametrize("kind", LAYERS_OF_KERAS_2)
@pytest.mark.parametrize("suffix", [".h5", ".keras"])
def test_layers_of_keras_2_give_the_same_scores(tmp_path: Path, kind: str, suffix: str) -> None:
    import keras

    layer, name, arguments = LAYERS_OF_KERAS_2[kind]
    if isinstance(arguments.get("layer"), tuple):
        inner, settings = arguments["layer"]
        arguments = {"layer": getattr(keras.layers, inner)(**settings)}
    changed = getattr(keras.layers, name)(**arguments)
    model = keras.Sequential([keras.Input((28, 28, 1)), changed, keras.layers.Flatten(), keras.layers.Dense(10)])
    rng = np.random.default_rng(0)
    model.set_weights([rng.random(weights.shape) for weights in model.get_weights()])
    source = {"class_name": "InputLayer", "config": SOURCE | {"batch_input_shape": [None, 28, 28, 1]}}
    layers = [source, layer, {"class_name": "Flatten", "config": FLATTEN}, old("Dense", units=10, activation="linear")]
    layers[-1]["config"]["name"] = "scores"
    config = {"class_name": "Sequential", "config": {"name": "sequential", "layers": layers}}
    path = tmp_path / f"old{suffix}"
    model.save(path)
    if suffix == ".h5":
        with h5py.File(path, "r+") as file:
            file.attrs["model_config"] = json.dumps(config)
            file.attrs["keras_version"] = "2.4.0"
    else:
        rewrite(path, {"config.json": json.dumps(config), "metadata.json": '{"keras_version": "2.13.1"}'})
    images = rng.random((3, 28, 28, 1)).astype(np.float32) * 3 - 1
    expected = np.asarray(model(images, training=False))
    assert np.allclose(load_model(path)(images, training=False), expected, rtol=1e-4, atol=1e-4)


def rewrite(path: Path, members: dict[str, str]) -> None:
    """Replace members of an archive."""
    with zipfile.ZipFile(path) as source:
        content = {name: source.read(name) for name in source.namelist()}
    with zipfile.ZipFile(path, "w") as target:
        for name, value in (content | members).items():
            target.writestr(name, value)


@pytest.mark.long
def test_recurrent_layers_of_keras_2_keep_their_hard_sigmoid(tmp_path: Path) -> None:
    """The step functions of Keras 2.2 are hard sigmoids by default, and those of Keras 3 differ."""
    import keras

    layers = keras.layers
    inner = [layers.Bidirectional(layers.LSTM(3, recurrent_activation="hard_sigmoid")), layers.Dense(10)]
    model = keras.Sequential([keras.Input((28, 28)), *inner])
    config = [
        old("Bidirectional", merge_mode="concat", layer=old("LSTM", **RNN), batch_input_shape=[None, 28, 28]),
        old("Dense", units=10),
    ]
    config[1]["config"]["name"] = "scores"
    model.save(tmp_path / "old.h5")
    with h5py.File(tmp_path / "old.h5", "r+") as file:
        file.attrs["model_config"] = json.dumps({"class_name": "Sequential", "config": config})
        file.attrs["keras_version"] = "2.2.4"
    images = np.random.default_rng(0).random((2, 28, 28)).astype(np.float32)
    other = load_model(tmp_path / "old.h5")
    assert not np.allclose(other(images), model(images), atol=1e-4)
    for layer in (inner[0].forward_layer, inner[0].backward_layer):
        layer.cell.recurrent_activation = old_hard_sigmoid
    assert np.allclose(other(images), model(images), atol=1e-5)


def test_a_sequential_of_keras_2_2_without_its_input_layer_gets_one(tmp_path: Path) -> None:
    import keras

    model = keras.Sequential([keras.Input((28, 28, 1)), keras.layers.Conv2D(2, 5), keras.layers.Flatten()])
    model.add(keras.layers.Dense(10))
    model.save(tmp_path / "old.h5")
    config = [
        old("Conv2D", filters=2, kernel_size=[5, 5]),
        {"class_name": "Flatten", "config": {"name": "flatten"}},
        {"class_name": "Dense", "config": {"name": "scores", "units": 10}},
    ]
    with h5py.File(tmp_path / "old.h5", "r+") as file:
        file.attrs["model_config"] = json.dumps({"class_name": "Sequential", "config": config})
        file.attrs["keras_version"] = "2.2.4"
    found = load_model(tmp_path / "old.h5")
    assert found.input_shape == (None, 28, 28, 1)
    assert np.array_equal(found.get_weights()[0], model.get_weights()[0])


def test_a_model_inside_a_functional_model_of_keras_2_is_found(tmp_path: Path) -> None:
    """Its making counts as its first call in Keras 2."""
    import keras

    pixels, inner = keras.Input((28, 28)), load_model("linear")
    model = keras.Model(pixels, keras.layers.Softmax(name="end")(inner(pixels)))
    model.save(tmp_path / "old.h5")
    layers = [
        FUNCTIONAL["layers"][0],
        {"class_name": "Model", "config": FUNCTIONAL, "name": "model", "inbound_nodes": [[["source", 0, 0, {}]]]},
        {**old("Softmax", axis=-1), "name": "end", "inbound_nodes": [[["model", 1, 0, {}]]]},
    ]
    layers[2]["config"]["name"] = "end"
    outer = {"name": "outer", "layers": layers, "input_layers": [["source", 0, 0]], "output_layers": [["end", 0, 0]]}
    with h5py.File(tmp_path / "old.h5", "r+") as file:
        file.attrs["model_config"] = json.dumps({"class_name": "Model", "config": outer})
        file.attrs["keras_version"] = "2.3.1"
    images = np.random.default_rng(0).random((2, 28, 28)).astype(np.float32)
    assert np.allclose(load_model(tmp_path / "old.h5")(images), model(images), atol=1e-6)


def test_bilinear_upsampling_of_tensorflow_1_is_rejected() -> None:
    layer = old("UpSampling2D", size=[2, 2], interpolation="bilinear")
    with pytest.raises(ModelError, match=r"Keras 2\.2\.4, whose bilinear UpSampling2D gives other results"):
        as_keras3(layer, "2.2.4")
    assert as_keras3(layer, "2.3.0")["config"]["interpolation"] == "bilinear"


def test_the_weights_of_keras_2_12_are_found(tmp_path: Path) -> None:
    """It counted layers of one kind in steps of two, and wrote arguments as arrays."""
    import keras

    widths = (4, 5, 6, 7, 8, 9, 10)  # with the names dense, dense_2 ... dense_12, which are not in the order of texts
    layers = [old("Dense", units=units, batch_input_shape=[None, 784]) for units in widths]
    for number, layer in enumerate(layers):
        layer["config"]["name"] = f"dense_{number}"
    six = {"class_name": "__numpy__", "config": {"value": 6.0, "dtype": "float32"}}
    layers.insert(1, old("ReLU", max_value=six))
    new = [keras.Input((784,)), keras.layers.Dense(4), keras.layers.ReLU(6), *map(keras.layers.Dense, widths[1:])]
    model, path = keras.Sequential(new), tmp_path / "old.keras"
    model.save(path)
    with zipfile.ZipFile(path) as source:
        (tmp_path / "model.weights.h5").write_bytes(source.read("model.weights.h5"))
    with h5py.File(tmp_path / "model.weights.h5", "r+") as file:
        for number in reversed(range(1, len(widths))):
            file.move(f"layers/dense_{number}", f"layers/dense_{2 * number}")
        file.move("layers", "_layer_checkpoint_dependencies")
    config = json.dumps({"class_name": "Sequential", "config": {"name": "sequential", "layers": layers}})
    with zipfile.ZipFile(path, "w") as target:
        target.write(tmp_path / "model.weights.h5", "model.weights.h5")
        target.writestr("config.json", config)
        target.writestr("metadata.json", '{"keras_version": "2.12.0"}')
    images = np.random.default_rng(0).random((2, 784)).astype(np.float32)
    assert np.allclose(load_model(path)(images), model(images), atol=1e-6)


@pytest.mark.parametrize("version", ["2.13.1", "3.3.0"])
def test_backslashes_in_the_names_of_an_archive_are_read(tmp_path: Path, version: str) -> None:
    """Keras on Windows wrote them into the archive, and into the groups of its weights."""
    model, path = load_model("linear"), tmp_path / "old.keras"
    model.save(tmp_path / "new.keras")
    weights = tmp_path / "model.weights.h5"
    with zipfile.ZipFile(tmp_path / "new.keras") as source, zipfile.ZipFile(path, "w") as target:
        weights.write_bytes(source.read("model.weights.h5"))
        with h5py.File(weights, "r+") as file:
            for name in list(file["layers"]):
                file.move(f"layers/{name}", f"layers\\{name}")
            del file["layers"]
        target.write(weights, "model.weights.h5")
        old_config = json.dumps(with_modules(MODELS["2.15.0"]))
        target.writestr("config.json", old_config if version[0] == "2" else source.read("config.json"))
        target.writestr("metadata.json", json.dumps({"keras_version": version}))
        target.writestr("assets\\", b"")
    assert np.array_equal(load_model(path).get_weights()[0], model.get_weights()[0])


CONVOLUTION = {"filters": 2, "kernel_size": 3}
NEEDED = {
    "Conv1DTranspose": CONVOLUTION,
    "Conv2DTranspose": CONVOLUTION,
    "DepthwiseConv1D": {"kernel_size": 3},
    "DepthwiseConv2D": {"kernel_size": 3},
    "MultiHeadAttention": {"num_heads": 2, "key_dim": 2},
    "SeparableConv1D": CONVOLUTION,
    "SeparableConv2D": CONVOLUTION,
    "SpatialDropout1D": {"rate": 0.1},
    "SpatialDropout2D": {"rate": 0.1},
}


@pytest.mark.parametrize("name", sorted(set(REMOVED_FROM) - {"Lambda"}))
def test_arguments_that_keras_3_removed_are_left_out(name: str) -> None:
    import keras

    kind = getattr(keras.layers, name)
    removed = {key: None if value is ANY else value for key, value in REMOVED_FROM[name].items()}
    config = {**NEEDED.get(name, {}), **removed}
    changed = as_keras3({"class_name": name, "config": config | {"batch_input_shape": [None, 28, 28]}})
    kind(**changed["config"])
    with pytest.raises((TypeError, ValueError)):
        kind(**config, batch_input_shape=[None, 28, 28])


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
    inner = as_keras3(wrapped)["config"]["layer"]
    assert (inner["config"], inner["module"]) == ({}, "keras.layers")


@pytest.mark.parametrize("backend", ["theano", np.bytes_("theano")], ids=["text", "bytes"])
def test_kernels_of_theano_are_not_taken_for_those_of_tensorflow(tmp_path: Path, backend: object) -> None:
    convolution = {"name": "edges", "filters": 2, "kernel_size": [3, 3], "batch_input_shape": [None, 28, 28, 1]}
    layers = [{"class_name": "Conv2D", "config": convolution}, *LAYERS[1:]]
    path = tmp_path / "theano.h5"
    load_model("linear").save(path)
    with h5py.File(path, "r+") as file:
        file.attrs["keras_version"], file.attrs["backend"] = "2.1.6", backend
        file.attrs["model_config"] = json.dumps(MODELS["2.2.4"])
    assert load_model(path).output_shape == (None, 10), "dense layers are the same"
    with h5py.File(path, "r+") as file:
        file.attrs["model_config"] = json.dumps({"class_name": "Sequential", "config": layers})
    with pytest.raises(ModelError, match="Theano, which turns the kernels"):
        load_model(path)

"""Translate the configuration of a Keras 2 model (Keras 2.2 to 2.15) to Keras 3."""

from __future__ import annotations

from typing import Any

import keras

from mnist_trainer.errors import ModelError
from mnist_trainer.model_io.keras_file.keras2.facts import (
    ANY,
    NO_OPERATION,
    ONLY_FOR_TRAINING,
    PREFIXES,
    REMOVED,
    REMOVED_FROM,
    RENAMED_CLASSES,
    RENAMED_FUNCTIONS,
)

__all__ = ["as_keras3"]

MODELS = {"Functional": "keras.src.models.functional", "Sequential": "keras.models"}
"""Class of a model -> its module in Keras 3."""

HARD_SIGMOID = "mnist_trainer>hard_sigmoid_of_keras_2"
"""Name under which Keras finds `hard_sigmoid`."""


def as_keras3(config: dict[str, Any], version: str = "2.15") -> dict[str, Any]:
    """Translate a model configuration, including all layers, to the form of Keras 3.

    Keras 3 can translate a part of it itself, but only in ``.h5`` files.

    Parameters
    ----------
    config : dict
        Configuration of the model.
    version : str
        Version of Keras that wrote it.

    Raises
    ------
    ModelError
        If it contains something that would give other results in Keras 3.
    """
    if version.startswith(("1.", "2.0", "2.1.", "2.2")) and "'interpolation': 'bilinear'" in str(config):
        raise ModelError(
            f"The model was made with Keras {version}, whose bilinear UpSampling2D gives other results than that of "
            "Keras 3. Train it again with interpolation='nearest', or with Keras 3."
        )
    changed: dict[str, Any] = _changed(config)
    return changed


def _changed(value: Any) -> Any:
    if isinstance(value, list):
        return [_changed(member) for member in value]
    if not isinstance(value, dict):
        return value
    if value.get("class_name") in ("Policy", "PolicyV1"):  # mixed precision
        return value["config"]["name"]
    if value.get("class_name") == "__numpy__":
        return value["config"]["value"]
    entry = _object(value) if "class_name" in value and "config" in value else value
    return {key: _changed(member) for key, member in entry.items()}


def _object(entry: dict[str, Any]) -> dict[str, Any]:
    """Translate one layer or model to the form of Keras 3, without the layers inside it."""
    name = str(entry["class_name"])
    for prefix in PREFIXES:
        name = name.removeprefix(prefix)
    name = RENAMED_CLASSES.get(name, name)
    config = entry["config"]
    if name == "Sequential":
        config = _sequential(config)
    elif name == "Functional":
        config = _functional(config)
    elif not hasattr(keras.layers, name) and name not in NO_OPERATION and name != "ThresholdedReLU":
        is_of_keras = str(entry.get("module")).startswith("keras.") and entry["class_name"] != "function"
        return entry | {"module": "builtins"} if is_of_keras else entry  # Keras 2 has other module names
    elif isinstance(config, dict):
        name, config = _layer(name, config)
    module = MODELS.get(name, "keras.layers")
    changed = {"class_name": name, "module": module, "registered_name": None, "config": config, "build_config": None}
    return entry | changed  # no build configuration: Keras 3 builds layers when the model calls them


def _layer(name: str, config: dict[str, Any]) -> tuple[str, dict[str, Any]]:
    """Return the class and the configuration of one layer in Keras 3."""
    if name == "InputLayer":
        shape = config.get("batch_shape", config.get("batch_input_shape"))
        return name, {"batch_shape": shape, "dtype": config.get("dtype", "float32"), "name": config.get("name")}
    if name in NO_OPERATION:
        return "Identity", {key: config[key] for key in ("name", "dtype") if key in config}
    removed = REMOVED | REMOVED_FROM.get(name, {})
    kept = {
        key: _activation(value) if key.endswith("activation") else value
        for key, value in config.items()
        if not key.endswith(ONLY_FOR_TRAINING) and (key not in removed or removed[key] not in (ANY, value))
    }
    if name == "BatchNormalization" and isinstance(kept.get("axis"), list):
        (kept["axis"],) = kept["axis"]
    if name == "Lambda":
        kept["function"] = _function(kept["function"])
        kept["output_shape"] = _function(kept.get("output_shape"))
    if name == "ThresholdedReLU":
        theta = kept.pop("theta")
        return "ReLU", kept | {"threshold": theta["value"] if isinstance(theta, dict) else theta}
    return name, kept


def _activation(value: Any) -> Any:
    """Return an activation, given by its name or as a function, in the form of Keras 3."""
    name = value.get("config") if isinstance(value, dict) and value.get("class_name") == "function" else value
    if name == "hard_sigmoid":
        return {"class_name": "function", "config": HARD_SIGMOID, "module": None, "registered_name": HARD_SIGMOID}
    return RENAMED_FUNCTIONS.get(name, value) if isinstance(name, str) else value


def _function(value: Any) -> Any:
    """Return the function of a Lambda layer in the form of Keras 3, so that the same security check applies to it."""
    if isinstance(value, str):
        return {"class_name": "function", "config": value, "module": None, "registered_name": value}
    if isinstance(value, list) and value and isinstance(value[0], str):
        return {"class_name": "__lambda__", "config": dict(zip(("code", "defaults", "closure"), value, strict=True))}
    return value


def _sequential(config: dict[str, Any] | list[Any]) -> dict[str, Any]:
    """Return the configuration of a Sequential, with an input layer added if the first layer has the input shape.

    Before Keras 2.3, a Sequential was saved without an input layer.
    """
    if isinstance(config, list):
        config = {"name": "sequential", "layers": config}
    first = config["layers"][0]
    shape = first["config"].get("batch_input_shape") if isinstance(first["config"], dict) else None
    if first["class_name"] == "InputLayer" or shape is None:
        return config
    source = {"class_name": "InputLayer", "config": {"batch_shape": shape, "name": f"{config['name']}_input"}}
    return config | {"layers": [source, *config["layers"]]}


def _functional(config: dict[str, Any]) -> dict[str, Any]:
    """Return the configuration of a functional model, in which the calls of nested models are counted from 0.

    Keras 2 counted the creation of a nested model as its first call.
    """
    layers = config["layers"]
    models = {layer.get("name") for layer in layers if "layers" in _inner(layer) or isinstance(layer["config"], list)}
    counted = {name: _first_call(name, [layer["inbound_nodes"] for layer in layers]) for name in models}
    changed = [
        layer | {"inbound_nodes": [_node(node) for node in _counted(layer["inbound_nodes"], counted)]}
        for layer in layers
    ]
    # In the list of outputs, Keras 3 itself subtracts this call for functional models.
    sequential = {layer.get("name") for layer in layers if layer["class_name"] == "Sequential"}
    outputs = _counted(config["output_layers"], {name: counted.get(name, 0) for name in sequential})
    return config | {"layers": changed, "output_layers": outputs}


def _node(node: Any) -> Any:
    """Translate one call of a layer to the form of Keras 3, if it has tensors among its keyword arguments."""
    last = node[-1][-1] if isinstance(node, list) and node and isinstance(node[-1], list) else None
    if not isinstance(last, dict) or not any(map(_is_tensor, last.values())):
        return node
    tensors = [_tensor(source) for source in node]
    named = {key: _tensor(value) if _is_tensor(value) else value for key, value in last.items()}
    return {"args": tensors if len(tensors) == 1 else [tensors], "kwargs": named}


def _tensor(source: list[Any]) -> dict[str, Any]:
    history = {"shape": [None], "dtype": "float32", "keras_history": source[:3]}
    return {"class_name": "__keras_tensor__", "config": history}


def _inner(layer: dict[str, Any]) -> dict[str, Any]:
    return layer["config"] if isinstance(layer["config"], dict) else {}


def _is_tensor(value: Any) -> bool:
    """Return whether `value` identifies a tensor: name of the layer, index of its call, index of the output."""
    return isinstance(value, list) and len(value) >= 3 and isinstance(value[0], str) and isinstance(value[1], int)


def _first_call(name: Any, nodes: Any) -> int:
    """Return the smallest call index of the layer `name` in `nodes`, or 0."""
    if _is_tensor(nodes) and nodes[0] == name:
        return int(nodes[1])
    members = nodes.values() if isinstance(nodes, dict) else nodes if isinstance(nodes, list) else ()
    return min((found for found in (_first_call(name, member) for member in members) if found), default=0)


def _counted(nodes: Any, first: dict[Any, int]) -> Any:
    if _is_tensor(nodes):
        return [nodes[0], nodes[1] - first.get(nodes[0], 0), *(_counted(member, first) for member in nodes[2:])]
    if isinstance(nodes, list):
        return [_counted(member, first) for member in nodes]
    return {key: _counted(member, first) for key, member in nodes.items()} if isinstance(nodes, dict) else nodes


@keras.saving.register_keras_serializable("mnist_trainer", "hard_sigmoid_of_keras_2")  # type: ignore[untyped-decorator]
def hard_sigmoid(x: Any) -> Any:
    """Return x / 5 + 1 / 2, clipped to 0..1. The function of this name in Keras 3 computes x / 6 + 1 / 2 instead."""
    return keras.ops.clip(0.2 * x + 0.5, 0.0, 1.0)

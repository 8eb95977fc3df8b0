"""Translate the configuration of a Keras 2 model (tf.keras up to TensorFlow 2.15) to Keras 3."""

from __future__ import annotations

from typing import Any

from mnist_trainer.errors import ModelError

__all__ = ["as_keras3"]

ANY = object()
ONE_GROUP: dict[str, object] = {"groups": 1}
SEPARABLE = ONE_GROUP | dict.fromkeys(("kernel_initializer", "kernel_regularizer", "kernel_constraint"), ANY)
SPATIAL = {"trainable": ANY, "noise_shape": None}

REMOVED: dict[str, object] = {"batch_input_shape": ANY, "rng_type": ANY, "time_major": False}
"""Argument that no layer of Keras 3 has -> the value with which it may be left out."""

REMOVED_FROM: dict[str, dict[str, object]] = {
    "Conv1DTranspose": ONE_GROUP,
    "Conv2DTranspose": ONE_GROUP,
    "DepthwiseConv1D": ONE_GROUP,
    "DepthwiseConv2D": ONE_GROUP,
    "SeparableConv1D": SEPARABLE,
    "SeparableConv2D": SEPARABLE,
    "SpatialDropout1D": SPATIAL,
    "SpatialDropout2D": SPATIAL,
}
"""The same for single layers. Any other argument stays; Keras 3 rejects unknown arguments."""


def as_keras3(config: dict[str, Any]) -> dict[str, Any]:
    """Return `config`, with all layers in it, in the form of Keras 3.

    Keras 3 translates a part of this itself, for ``.h5`` files only.

    Raises
    ------
    ModelError
        If it contains something that gives other results in Keras 3.
    """
    changed: dict[str, Any] = _changed(config)
    return changed


def _changed(value: Any) -> Any:
    if value == "hard_sigmoid":  # clip(x / 5 + 1 / 2) in Keras 2, clip(x / 6 + 1 / 2) in Keras 3
        raise ModelError(
            "The model uses hard_sigmoid of Keras 2, which is another function in Keras 3. Where the model was made, "
            "call model.save('folder') and give that folder."
        )
    if isinstance(value, list):
        return [_changed(member) for member in value]
    if not isinstance(value, dict):
        return value
    if value.get("class_name") == "Policy":  # mixed precision
        return value["config"]["name"]
    entry = _layer(value) if "class_name" in value and "config" in value else value
    return {key: _changed(member) for key, member in entry.items()}


def _layer(entry: dict[str, Any]) -> dict[str, Any]:
    """Return one layer or model in the form of Keras 3, with the layers inside it unchanged."""
    name, config = entry["class_name"], entry["config"]
    if name == "Sequential":
        return entry | {"config": _sequential(config)}
    if name == "Functional" and "module" in entry:  # the module has another name in Keras 2
        return entry | {"module": "keras.src.models.functional"}
    if name == "InputLayer" or not isinstance(config, dict):
        return entry
    removed = REMOVED | REMOVED_FROM.get(name, {})
    kept = {key: value for key, value in config.items() if key not in removed or removed[key] not in (ANY, value)}
    if name == "BatchNormalization" and isinstance(kept.get("axis"), list):
        (kept["axis"],) = kept["axis"]
    return entry | {"config": kept}


def _sequential(config: dict[str, Any] | list[Any]) -> dict[str, Any]:
    """Return the configuration of a Sequential with an input layer; before Keras 2.3 the first layer had the shape."""
    if isinstance(config, list):
        config = {"name": "sequential", "layers": config}
    first = config["layers"][0]
    shape = first["config"].get("batch_input_shape")
    if first["class_name"] == "InputLayer" or shape is None:
        return config
    source = {"class_name": "InputLayer", "config": {"batch_shape": shape, "name": f"{config['name']}_input"}}
    return config | {"layers": [source, *config["layers"]]}

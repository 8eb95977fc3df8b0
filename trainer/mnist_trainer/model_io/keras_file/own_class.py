"""Describe a model of the user's own class as a model of Keras, if the class only changes the training.

A functional or Sequential model of such a class, for example one with its own ``train_step``, is saved with the name of
the class, but with all layers and connections.
"""

from __future__ import annotations

from typing import Any

from mnist_trainer.model_io.keras_file.unsafe_code import is_known

__all__ = ["as_model_of_keras"]

FUNCTIONAL = {"class_name": "Functional", "module": "keras.src.models.functional", "registered_name": None}
SEQUENTIAL = {"class_name": "Sequential", "module": "keras.models", "registered_name": None}


def as_model_of_keras(config: dict[str, Any]) -> dict[str, Any]:
    """Return the configuration of a functional or Sequential model, if `config` is one of an unknown class.

    Another configuration is returned as it is. A model inside a model is not changed, since its class gives its weights
    their name in the file.

    Examples
    --------
    >>> layers = [{"class_name": "InputLayer", "config": {}}]
    >>> as_model_of_keras({"class_name": "MyModel", "config": {"layers": layers}})["class_name"]
    'Sequential'
    """
    inner = config.get("config")
    if "class_name" not in config or not isinstance(inner, dict) or is_known(config):
        return config
    layers = inner.get("layers")
    if not isinstance(layers, list) or not all(isinstance(layer, dict) and "class_name" in layer for layer in layers):
        return config
    if {"input_layers", "output_layers"} <= inner.keys():
        return config | FUNCTIONAL
    return config | SEQUENTIAL if layers and layers[0]["class_name"] == "InputLayer" else config

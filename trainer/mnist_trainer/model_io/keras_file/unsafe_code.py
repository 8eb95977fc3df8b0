"""Search the configuration of a model for anything that would run code from outside of Keras."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import keras

from mnist_trainer.errors import ModelError

__all__ = ["UnknownLayerError", "is_known", "refuse_unsafe_code"]

CODE = {"Lambda", "__lambda__", "TFSMLayer", "TorchModuleWrapper"}
"""Classes of Keras that contain or load code: marshalled Python, another SavedModel, or a pickle."""

PARTS = (
    "activations", "constraints", "dtype_policies", "initializers", "layers", "losses", "metrics", "ops", "optimizers",
    "quantizers", "random", "regularizers",
)  # fmt: skip
"""Modules of Keras that are allowed. Other modules, such as `models`, contain functions that read and write files."""

WITHOUT_CODE = "Where the model was made, call model.export('folder') (Keras 2: model.save) and give that folder"

MODULE = re.compile(rf"keras(\.models)?|keras\.src\.models\..+|keras(\.src)?\.({'|'.join(PARTS)})(\..+)?")
"""Pattern of the modules from which an object in a configuration may come."""

NOTATION = re.compile(r"__\w+__|TensorShape|TypeSpec|Functional")
"""Pattern of names that a configuration may contain although no module of Keras defines them."""


class UnknownLayerError(ModelError):
    """A layer is neither part of Keras nor registered with it in this process."""


def refuse_unsafe_code(config: dict[str, Any], *, trust: bool = False) -> None:
    """Check all of `config`, including nested layers and wrappers, before anything is built from it.

    Keras's safe mode checks a configuration only while it builds the model, and did not check ``.h5`` files before
    Keras 3.11.3 (CVE-2025-9905).

    Parameters
    ----------
    config : dict
        A model as Keras writes it into its files.
    trust : bool
        Whether a Lambda layer is allowed.

    Raises
    ------
    ModelError
        If it contains code and `trust` is false, or names a class or function that is neither part of Keras nor
        registered with it.
    """
    # The compile configuration is ignored, so a custom loss in it is harmless.
    for entry in _objects({**config, "compile_config": None}):
        name = str(entry["class_name"])
        if not trust and re.split(r"[.>]", name)[-1] in CODE:
            raise ModelError(
                f"The model was not loaded, since its {name} layer runs code from the file. {WITHOUT_CODE}. If you "
                "trust its source, use --trust (in Python: trust=True)."
            )
        if not trust and isinstance(entry.get("config"), dict) and isinstance(entry["config"].get("vocabulary"), str):
            raise ModelError(  # CVE-2025-12058 of Keras: the text may be a path or URL to load
                f"The model was not loaded, since its {name} layer reads another file, the vocabulary. {WITHOUT_CODE}. "
                "If you trust its source, use --trust (in Python: trust=True)."
            )
        if not is_known(entry):
            kind, reason = "layer", "it is a custom class or one of Keras 2"
            if name == "function":
                kind, reason = (
                    "function",
                    "it is that of a Lambda layer or an activation, and its code is not in the file",
                )
            raise UnknownLayerError(
                f"The {kind} {_object_name(entry)!r} is not part of Keras 3: {reason}. {WITHOUT_CODE}."
            )


def _object_name(entry: dict[str, Any]) -> str:
    """Return the name of a function, or the registered name of a custom class."""
    return str(
        entry.get("config")
        if entry["class_name"] == "function"
        else entry.get("registered_name") or entry["class_name"]
    )


def is_known(entry: dict[str, Any]) -> bool:
    """Return whether `entry` names something that is part of Keras or registered with it in this process."""
    name = _object_name(entry)
    if keras.saving.get_registered_object(name) is not None:
        return True
    module = str(entry.get("module", "builtins"))  # Keras 2 and .h5 files name no module
    if module.startswith("keras.src."):
        return entry["class_name"] != "function" and MODULE.fullmatch(module) is not None
    if module != "builtins" and not MODULE.fullmatch(module):
        return False
    places = (keras, *(getattr(keras, part) for part in PARTS))
    return NOTATION.fullmatch(name) is not None or any(hasattr(place, name) for place in places)


def _objects(config: object) -> Iterator[dict[str, Any]]:
    """Yield every object that `config` describes, at any depth."""
    if isinstance(config, dict):
        if "class_name" in config:
            yield config
        for value in config.values():
            yield from _objects(value)
    elif isinstance(config, list):
        for value in config:
            yield from _objects(value)

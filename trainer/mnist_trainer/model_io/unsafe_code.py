"""`refuse_foreign_code`: find, in a model's config alone, everything that would run code which is not Keras's own."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from mnist_trainer.errors import ModelError

__all__ = ["refuse_foreign_code"]

CODE = {"Lambda", "__lambda__", "TFSMLayer", "TorchModuleWrapper"}
"""Objects of Keras that hold, or fetch, code: marshalled Python, a SavedModel elsewhere, a pickle."""

PARTS = (
    "activations", "constraints", "dtype_policies", "initializers", "layers", "losses", "metrics", "ops", "optimizers",
    "quantizers", "random", "regularizers",
)  # fmt: skip
"""Modules of Keras that layers are made of. Others, `models` too, hold functions that read and write files."""

ELSEWHERE = "Where the model was made, write model.export('folder') (Keras 2: model.save) and give that folder"

MODULE = re.compile(rf"keras(\.models)?|keras\.src\.models\..+|keras(\.src)?\.({'|'.join(PARTS)})(\..+)?")
NOTATION = re.compile(r"__\w+__|TensorShape|TypeSpec|Functional")
"""What a config may name without a module though no module of Keras shows it."""


def refuse_foreign_code(config: dict[str, Any], *, trust: bool = False) -> None:
    """Look through the whole of `config`, nested layers and wrappers too, before anything is built from it.

    Keras's own safe mode does this while it builds; for ``.h5`` files only since Keras 3.11.3 (CVE-2025-9905).

    Parameters
    ----------
    config : dict
        A model as Keras writes it into its files.
    trust : bool
        Whether a Lambda layer is welcome.

    Raises
    ------
    ModelError
        If it holds code, and `trust` is false; or names a class or function that is not of Keras and not registered.
    """
    # How the model was compiled is not loaded; a loss of the user's own does no harm.
    for entry in _objects({**config, "compile_config": None}):
        name = str(entry["class_name"])
        if not trust and re.split(r"[.>]", name)[-1] in CODE:
            raise ModelError(
                f"expected a model without code, found a {name} layer, which runs code from the file: it was not "
                f"executed. {ELSEWHERE}, or say --trust (in Python, trust=True) if you know its maker."
            )
        if not _is_known(entry):
            raise ModelError(
                f"expected layers of Keras 3, found {_called(entry)!r}, which is not one, but a class of your own or "
                f"of Keras 2. {ELSEWHERE}."
            )


def _called(entry: dict[str, Any]) -> str:
    """Return what `entry` names: for a function its own name, for a class of the user's the registered one."""
    return str(
        entry.get("config")
        if entry["class_name"] == "function"
        else entry.get("registered_name") or entry["class_name"]
    )


def _is_known(entry: dict[str, Any]) -> bool:
    """Tell whether `entry` names something of Keras, or something that this process has registered with Keras."""
    import keras

    name = _called(entry)
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

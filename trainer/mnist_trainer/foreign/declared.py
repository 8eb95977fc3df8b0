"""`declared_shapes`: read the shapes of a model's input and output from its file, without loading the model."""

from __future__ import annotations

import json
import math
import mmap
import zipfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from mnist_trainer.keras_support import import_tensorflow

__all__ = ["declared_shapes"]

CONFIG = "config.json"
LARGEST_CONFIG = 1 << 24
HDF5 = b"\x89HDF\r\n\x1a\n"
STARTS = (b'{"module": "keras', b'{"class_name": "')
"""Beginning of a model's configuration in an HDF5 file, of Keras 3 and of Keras 2."""
GRAPH = "saved_model.pb"
SIGNATURE = "serving_default"
POOLINGS = ("GlobalAveragePooling2D", "GlobalMaxPooling2D")
"""Layers that reduce each feature map to one number."""
KEEPING = ("Activation", "Softmax", "BatchNormalization", "Dropout", *POOLINGS)
"""Layers that do not change the number of scores or feature maps."""

Shape = Sequence[int | None]


def declared_shapes(path: Path) -> tuple[Shape, int | None]:
    """Return the shape of one image in the first input, and the number of scores: () and None if the file has none.

    Parameters
    ----------
    path : Path
        A ``.keras`` or ``.h5`` file, or a SavedModel folder. The result for a damaged one is () and None.
    """
    try:
        if path.is_dir():
            return _of_saved_model(path / GRAPH)
        config = _in_archive(path) if zipfile.is_zipfile(path) else _in_hdf5(path)
        return _input_shape(config), _classes(config)
    except (OSError, ValueError, KeyError, TypeError, AttributeError, NotImplementedError, RuntimeError):
        return (), None
    except zipfile.BadZipFile:
        return (), None


def _in_archive(path: Path) -> Any:
    """Return the configuration in a ``.keras`` file."""
    with zipfile.ZipFile(path) as archive:
        if archive.getinfo(CONFIG).file_size > LARGEST_CONFIG:
            raise ValueError("too large")
        return json.loads(archive.read(CONFIG))


def _in_hdf5(path: Path) -> Any:
    """Return the configuration in an HDF5 file, found by a search for its text.

    The HDF5 library is not used. It is native code, and must not open a file before it was checked in a child process.
    """
    with path.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as content:
        if content[: len(HDF5)] != HDF5:
            raise ValueError("no HDF5 file")
        begin = min(place for start in STARTS if (place := content.find(start)) >= 0)
        text = content[begin : begin + LARGEST_CONFIG].decode("utf-8", "replace")
    return json.JSONDecoder().raw_decode(text)[0]


def _of_saved_model(path: Path) -> tuple[Shape, int | None]:
    """Return the shapes in the signature of a SavedModel."""
    content = path.read_bytes()
    import_tensorflow()
    from google.protobuf.message import DecodeError
    from tensorflow.core.protobuf.saved_model_pb2 import SavedModel

    try:
        (graph,) = SavedModel.FromString(content).meta_graphs
    except DecodeError:
        return (), None
    signature = graph.signature_def[SIGNATURE]
    (source,), (scores,) = signature.inputs.values(), signature.outputs.values()
    shape = [dim.size if dim.size > 0 else None for dim in source.tensor_shape.dim][1:]
    last = scores.tensor_shape.dim[-1].size if scores.tensor_shape.dim else -1
    return shape, last if last > 0 else None


def _layers(config: Any) -> list[Any]:
    inside = config["config"]
    return inside if isinstance(inside, list) else inside.get("layers") or []


def _input_shape(config: Any) -> list[int | None]:
    """Return the shape of one image in the first input of a configuration of Keras; an empty list if it has none."""
    layers, inside = _layers(config), config["config"]
    first = layers[0]["config"] if layers else {}
    built = inside.get("build_input_shape") if isinstance(inside, dict) else None
    shape = first.get("batch_shape") or first.get("batch_input_shape")
    shape = shape or config.get("build_config", {}).get("input_shape") or built or []
    return [side if isinstance(side, int) else None for side in shape[1:]]


def _has_several_outputs(config: Any) -> bool:
    """Return whether a functional model has several outputs.

    Keras 3 writes a single output as ``[name, 0, 0]`` and several ones as a list of such lists.
    """
    inside = config["config"]
    outputs = inside.get("output_layers") if isinstance(inside, dict) else None
    if isinstance(outputs, list):
        return len(outputs) > 1 and isinstance(outputs[1], list)
    return isinstance(outputs, dict) and len(outputs) > 1


def _classes(config: Any) -> int | None:
    """Return the number of scores: the units of the last dense layer, if only layers of `KEEPING` follow it.

    Nested models are searched too. Instead of a dense layer, there may be a convolution with a global pooling, which
    gives one score for each feature map, or a flatten layer, whose size is then the number of scores. For a model with
    several outputs the result is None, because it is not known which output contains the scores.
    """
    if _has_several_outputs(config):
        return None
    is_pooled = False
    for layer in reversed(_layers(config)):
        kind = layer["class_name"]
        if kind in ("Functional", "Sequential"):
            return None if is_pooled else _classes(layer)
        if kind == "Dense" or (is_pooled and kind == "Conv2D"):
            units = layer["config"]["units" if kind == "Dense" else "filters"]
            return units if isinstance(units, int) else None
        if kind == "Flatten" and not is_pooled:
            sides = layer.get("build_config", {}).get("input_shape", [])[1:]  # Keras 2 does not write it
            return math.prod(sides) if sides and all(isinstance(side, int) for side in sides) else None
        if kind not in KEEPING:
            return None
        is_pooled = is_pooled or kind in POOLINGS
    return None

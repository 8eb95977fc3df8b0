"""Load a TensorFlow SavedModel folder as a Keras model, after a check of its graph."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import keras
from tensorflow import dtypes
from tensorflow.core.protobuf import saved_model_pb2

from mnist_runtime.artifact.task import DIGITS, Task
from mnist_runtime.errors import first_line, listed, raise_machine_failure
from mnist_trainer.errors import ModelError
from mnist_trainer.model_io.find import SAVED_MODEL
from mnist_trainer.model_io.saved_model.frozen_graph import as_float32_batches
from mnist_trainer.model_io.saved_model.operators import ALLOWED

__all__ = ["load_saved_model"]

ENDPOINTS = ("serving_default", "serve")
"""Possible names of the signature to call. The first one that exists is used."""

PRODUCTS = {"BatchMatMulV2", "Conv2D", "DepthwiseConv2dNative", "Einsum", "MatMul"}
"""Operations that do most of a model's arithmetic; their precision is checked."""


def load_saved_model(path: Path, *, trust: bool = False, task: Task = DIGITS) -> keras.Model:
    """Load the SavedModel in the folder `path`, written by Keras 3 (``model.export``) or Keras 2 (``model.save``).

    Parameters
    ----------
    path : Path
        The folder that contains ``saved_model.pb``.
    trust : bool
        Whether the graph may contain operations that access files or run code.
    task : Task, optional
        Gives the size of images where the graph leaves it open.

    Raises
    ------
    ModelError
        If it is damaged, has no signature with one input and one output, or its graph contains unsafe operations.
    """
    graph = _read(path)
    endpoint = _endpoint(graph)
    if not trust:
        _refuse_unsafe_operations(graph)
    _refuse_other_floats(graph)
    dtype, sizes = _input(graph.signature_def[endpoint])
    try:
        with _without_optimizer(path, graph) as folder:
            if dtype == "float32" and sizes[0] is None:
                return _as_layer(folder, endpoint, dtype, sizes[1:])
            model = as_float32_batches(folder, endpoint, sizes[1:], task)
            if model is None and sizes[0] is None:
                model = _as_layer(folder, endpoint, dtype, sizes[1:])
    except Exception as error:  # TensorFlow raises many kinds for missing and damaged files
        raise_machine_failure(error)
        raise ModelError(f"The SavedModel cannot be loaded ({first_line(error)}). Copy or save it again.") from error
    if model is None:
        raise ModelError(
            f"The SavedModel takes {sizes[0]} image{'' if sizes[0] == 1 else 's'} at a time, and its graph depends on "
            "that number. Export it with a shape that begins with None: model.export('folder', "
            f"input_signature=[keras.InputSpec(shape=(None, {', '.join(map(str, sizes[1:]))}))])."
        )
    return model


def _read(path: Path) -> Any:
    """Return the MetaGraphDef of a SavedModel of TensorFlow 2."""
    try:
        graphs = saved_model_pb2.SavedModel.FromString((path / SAVED_MODEL).read_bytes()).meta_graphs
    except Exception as error:  # the kind depends on the implementation of protobuf
        raise_machine_failure(error)
        raise ModelError("The file saved_model.pb is damaged. Copy or save the model again.") from error
    if len(graphs) != 1 or not graphs[0].HasField("object_graph_def"):
        raise ModelError(
            "The SavedModel was written by TensorFlow 1 or is damaged. Build the model in Keras, load the weights and "
            "call model.save('model.keras')."
        )
    return graphs[0]


def _endpoint(graph: Any) -> str:
    """Return the name of the signature to call."""
    names = [name for name in graph.signature_def if not name.startswith("__")]
    found = next((name for name in ENDPOINTS if name in names), names[0] if len(names) == 1 else None)
    if found is None:
        raise ModelError(
            f"The SavedModel has no endpoint serving_default; it has {', '.join(sorted(names)) or 'none'}. Write it "
            "with model.export('folder')."
        )
    return found


def _input(signature: Any) -> tuple[str, tuple[int | None, ...]]:
    """Return data type and batch shape of the input; raise a `ModelError` unless there is one input and one output."""
    inputs, outputs = list(signature.inputs.values()), list(signature.outputs.values())
    if len(inputs) != 1 or len(outputs) != 1:
        raise ModelError(
            f"The SavedModel has {len(inputs)} inputs and {len(outputs)} outputs. Export a model with one of each."
        )
    (source,) = inputs
    dtype = dtypes.as_dtype(source.dtype)
    sizes = tuple(None if dim.size < 0 else dim.size for dim in source.tensor_shape.dim)
    if not sizes or not (dtype == dtypes.float32 or dtype.is_integer):
        raise ModelError(
            f"The SavedModel takes {dtype.name} of shape {list(sizes) or 'unknown'}, but it must take float32 or "
            "integers of a known shape. Export it with model.export('folder', input_signature=[keras.InputSpec(shape="
            "(None, 28, 28, 1))])."
        )
    return dtype.name, sizes


def _as_layer(path: Path, endpoint: str, dtype: str, shape: tuple[int | None, ...]) -> keras.Model:
    """Return a model whose one layer is the SavedModel, on float32 images."""
    pixels = keras.Input(shape)
    source = pixels if dtype == "float32" else keras.ops.cast(pixels, dtype)
    scores = keras.layers.TFSMLayer(str(path), call_endpoint=endpoint, name="saved_model")(source)
    return keras.Model(pixels, keras.tree.flatten(scores)[0])  # an endpoint returns a dict


@contextmanager
def _without_optimizer(path: Path, graph: Any) -> Iterator[Path]:
    """Yield a folder with the SavedModel in `path`, without the state of optimizers.

    TensorFlow cannot restore an optimizer of Keras 2 (`add_slot` is missing), and an export does not need it.
    """
    if not any(node.slot_variables for node in graph.object_graph_def.nodes):
        yield path
        return
    content = saved_model_pb2.SavedModel.FromString((path / SAVED_MODEL).read_bytes())
    for node in content.meta_graphs[0].object_graph_def.nodes:
        node.ClearField("slot_variables")
    with tempfile.TemporaryDirectory() as folder:
        copy = Path(folder) / "model"
        shutil.copytree(path, copy, ignore=lambda _, names: {SAVED_MODEL} & set(names), copy_function=_link)
        (copy / SAVED_MODEL).write_bytes(content.SerializeToString())
        yield copy


def _link(source: str, target: str) -> None:
    Path(target).symlink_to(Path(source).resolve())


def _refuse_other_floats(graph: Any) -> None:
    """Raise a `ModelError` if the layers of a SavedModel compute in another precision than float32."""
    nodes = _nodes_that_can_run(graph)
    for name in ("float16", "bfloat16", "float64"):
        kind = dtypes.as_dtype(name).as_datatype_enum
        if any(node.op in PRODUCTS and node.attr["T"].type == kind for node in nodes):
            weights = {node.attr["dtype"].type for node in nodes if node.op == "ReadVariableOp"}
            policy = f"mixed_{name}" if dtypes.float32.as_datatype_enum in weights else name
            raise ModelError(
                f"The SavedModel computes in {name} (policy {policy}), and its graph is fixed. Save the Keras model "
                "with model.save('model.keras') and give that file: it is exported in float32 with the same weights."
            )


def _refuse_unsafe_operations(graph: Any) -> None:
    """Raise a `ModelError` if the graph can run an operation that is not in `ALLOWED`."""
    functions = {function.signature.name for function in graph.graph_def.library.function}
    found = {node.op for node in _nodes_that_can_run(graph)} - functions - ALLOWED
    if found:
        names = listed([name[:60] for name in sorted(found)], 8)
        raise ModelError(
            f"The SavedModel was not loaded, since its graph contains {names}, which can access "
            "files or more. Remove that from the model. If you trust its source, use --trust (in Python: trust=True)."
        )


def _nodes_that_can_run(graph: Any) -> list[Any]:
    """Return the nodes of all functions that can run when the model is loaded or called, not those that save it."""
    functions = {function.signature.name: function for function in graph.graph_def.library.function}
    replacements = [name for name, function in functions.items() if "api_implements" in function.attr]
    waiting, nodes = {*graph.object_graph_def.concrete_functions, *replacements}, []
    seen: set[str] = set()
    while waiting:
        name = waiting.pop()
        if name in seen or name not in functions:
            continue
        seen.add(name)
        for node in functions[name].node_def:
            nodes.append(node)
            waiting.add(node.op)
            for value in node.attr.values():
                waiting.update(called.name for called in (value.func, *value.list.func))
    return nodes

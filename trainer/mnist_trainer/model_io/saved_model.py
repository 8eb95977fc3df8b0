"""`load_saved_model`: a TensorFlow SavedModel folder as a Keras model, its graph inspected before it is loaded."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mnist_runtime.errors import first_line
from mnist_trainer.errors import ModelError

if TYPE_CHECKING:
    import keras

__all__ = ["load_saved_model"]

ENDPOINTS = ("serving_default", "serve")
"""What a model is asked through, the first that is there."""

HARMLESS = re.compile(r"If|While|Case|Assert|.*VariableOp|VarHandleOp|Stateful.*|.*Random.*|Rng.*|CudnnRNN.*")
"""Operations with state that a model may have: its weights, control flow, chance, cells of a GPU."""

REACHING_OUT = re.compile(r".*(File|PyFunc|Debug|Dataset|Reader|Summary).*|Abort|ImmutableConst|CopyHost")
"""Operations without state that nevertheless reach files, the network, Python, or end the process."""


def load_saved_model(path: Path, *, trust: bool = False) -> keras.Model:
    """Load the SavedModel in the folder `path`, as Keras 3 (``model.export``) or Keras 2 (``model.save``) wrote it.

    Parameters
    ----------
    path : Path
        The folder that holds ``saved_model.pb``.
    trust : bool
        Whether its graph may reach files.

    Raises
    ------
    ModelError
        If it is damaged, has no endpoint with one input and one output, or its graph reaches out of the model.
    """
    import keras

    graph = _read(path)
    endpoint = _endpoint(graph)
    if not trust:
        _refuse_reaching_out(graph)
    shape = _input_shape(graph.signature_def[endpoint])
    try:
        pixels = keras.Input(shape)
        scores = keras.layers.TFSMLayer(str(path), call_endpoint=endpoint, name="saved_model")(pixels)
        return keras.Model(pixels, keras.tree.flatten(scores)[0])  # an endpoint gives a dict
    except Exception as error:  # TensorFlow raises many kinds for missing and mangled files
        raise ModelError(
            f"expected a whole SavedModel, could not load it ({first_line(error)}); copy or save it again."
        ) from error


def _read(path: Path) -> Any:
    """Return the MetaGraphDef of a SavedModel of TensorFlow 2."""
    from tensorflow.core.protobuf import saved_model_pb2

    try:
        graphs = saved_model_pb2.SavedModel.FromString((path / "saved_model.pb").read_bytes()).meta_graphs
    except Exception as error:  # protobuf's own kinds, which are its implementation's
        raise ModelError("expected a SavedModel, its saved_model.pb is damaged; copy or save it again.") from error
    if len(graphs) != 1 or not graphs[0].HasField("object_graph_def"):
        raise ModelError(
            "expected a SavedModel of TensorFlow 2, received one of TensorFlow 1 or a damaged one; build the model in "
            "Keras, load_weights, model.save('model.keras')."
        )
    return graphs[0]


def _endpoint(graph: Any) -> str:
    """Return the name of the signature that the model is asked through."""
    names = [name for name in graph.signature_def if not name.startswith("__")]
    found = next((name for name in ENDPOINTS if name in names), names[0] if len(names) == 1 else None)
    if found is None:
        raise ModelError(
            f"expected a SavedModel with the endpoint serving_default, received {', '.join(sorted(names)) or 'none'}; "
            "write it with model.export('folder')."
        )
    return found


def _input_shape(signature: Any) -> tuple[int | None, ...]:
    """Return the shape of one image, of an endpoint from one open batch of them to one tensor."""
    from tensorflow import dtypes

    inputs, outputs = list(signature.inputs.values()), list(signature.outputs.values())
    if len(inputs) != 1 or len(outputs) != 1:
        raise ModelError(
            f"expected one input and one output, received {len(inputs)} and {len(outputs)}; export one of each."
        )
    (source,) = inputs
    sizes = tuple(None if dim.size < 0 else dim.size for dim in source.tensor_shape.dim)
    if source.dtype != dtypes.float32.as_datatype_enum or not sizes or sizes[0] is not None:
        kind = dtypes.as_dtype(source.dtype).name
        raise ModelError(
            f"expected an input of float32 images, any number of them, received {kind} {list(sizes) or 'unknown'}; "
            "export it with a shape that begins with None."
        )
    return sizes[1:]


def _refuse_reaching_out(graph: Any) -> None:
    """Refuse operations that reach out of the model, wherever in what can run they are."""
    from tensorflow.python.framework import op_def_registry

    found = set()
    for node in _nodes_that_can_run(graph):
        operation = op_def_registry.get(node.op)
        stateful = operation is not None and operation.is_stateful
        if REACHING_OUT.fullmatch(node.op) or (stateful and not HARMLESS.fullmatch(node.op)):
            found.add(node.op)
    if found:
        raise ModelError(
            f"expected a graph that only computes, found {', '.join(sorted(found))}, which can reach files or more: it "
            "was not loaded. Leave that out of the model, or say --trust (in Python, trust=True) if you know its maker."
        )


def _nodes_that_can_run(graph: Any) -> list[Any]:
    """Return the nodes of all functions that loading or asking can call; those that save checkpoints are not."""
    functions = {function.signature.name: function for function in graph.graph_def.library.function}
    swapped_in = [name for name, function in functions.items() if "api_implements" in function.attr]
    waiting, nodes = {*graph.object_graph_def.concrete_functions, *swapped_in}, []
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

"""`check_unchanging`: find variables that a model changes when it runs, in the functions that TensorFlow traces."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from mnist_exporters.errors import ChangingError
from mnist_exporters.formats.contents import ADVICE

__all__ = ["check_unchanging"]

ASSIGNS = ("AssignVariableOp", "AssignAddVariableOp", "AssignSubVariableOp", "ResourceScatter")
"""Beginnings of the names of operators whose first input is a variable that they change."""


def check_unchanging(traced: Any) -> None:
    """Check that a model changes no variable. ONNX has none: a conversion fails, or keeps the value of the moment.

    Parameters
    ----------
    traced : tf.types.experimental.ConcreteFunction
        The model.

    Raises
    ------
    ChangingError
        If it does. The message names the variables.
    """
    content = traced.graph.as_graph_def()
    functions = {function.signature.name: function for function in content.library.function}
    found = dict(_assigned(content.node, functions, {}))
    if not found:
        return
    names = {inside.op.name: _name_of(outside, traced) for outside, inside in traced.graph.captures}
    places = tuple(dict.fromkeys(names.get(each, each) for each in found))
    operators = tuple(dict.fromkeys(found.values()))
    raise ChangingError(
        f"The scores of the model depend on more than the image: it has {', '.join(operators)}, at the variable "
        f"{', '.join(places)}. {ADVICE}",
        operators,
        places,
    )


def _assigned(
    nodes: Iterable[Any], functions: Mapping[str, Any], known: dict[str, dict[str, str]]
) -> Iterable[tuple[str, str]]:
    """Yield each variable that a graph or function changes, by its name there, and the operator that changes it."""
    for node in nodes:
        inputs = [name.split(":")[0] for name in node.input if not name.startswith("^")]
        if node.op.startswith(ASSIGNS):
            yield _source(inputs[0], nodes), node.op
        for attribute in node.attr.values():
            for called in (attribute.func, *attribute.list.func):
                function = functions.get(called.name)
                if function is None:
                    continue
                if called.name not in known:
                    known[called.name] = {}  # ends the recursion
                    known[called.name] = dict(_assigned(function.node_def, functions, known))
                arguments = [argument.name for argument in function.signature.input_arg]
                behind = len(inputs) - len(arguments)  # a branch has its condition before its arguments
                for name, operator in known[called.name].items():
                    if name in arguments:
                        yield _source(inputs[arguments.index(name) + behind], nodes), operator
                    else:
                        yield name, operator


def _source(name: str, nodes: Iterable[Any]) -> str:
    """Return the name from which an `Identity` has its value, or `name`."""
    by_name = {node.name: node for node in nodes}
    while name in by_name and by_name[name].op == "Identity":
        name = by_name[name].input[0].split(":")[0]
    return name


def _name_of(handle: Any, traced: Any) -> str:
    """Return the name of the variable behind a captured tensor."""
    for variable in traced.graph.variables:
        if variable.handle is handle:
            return str(variable.name.split(":")[0])
    return str(getattr(handle, "name", handle))

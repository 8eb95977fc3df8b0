"""`check_unchanging`: reject a TensorFlow model that changes its own variables when it runs."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from mnist_exporters.errors import ChangingError
from mnist_exporters.formats.contents import ADVICE

__all__ = ["check_unchanging"]

ASSIGNS = ("AssignVariableOp", "AssignAddVariableOp", "AssignSubVariableOp", "ResourceScatter")
"""Prefixes of the names of operators that change a variable, which is their first input."""


def check_unchanging(traced: Any) -> None:
    """Check that a model changes no variable when it runs.

    ONNX has no variables. Without this check the conversion would fail, or freeze the present value of the variable.

    Parameters
    ----------
    traced : tf.types.experimental.ConcreteFunction
        The model as TensorFlow traced it.

    Raises
    ------
    ChangingError
        If it changes variables. The message names them.
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
    """Yield the name of each variable that a graph changes, also in functions that it calls, and the operator.

    `known` caches the results for functions: function -> variable, by its name in the function -> operator.
    """
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
                    known[called.name] = {}  # a function that calls itself must not recurse forever
                    known[called.name] = dict(_assigned(function.node_def, functions, known))
                arguments = [argument.name for argument in function.signature.input_arg]
                behind = len(inputs) - len(arguments)  # If and Case have a condition before the arguments
                for name, operator in known[called.name].items():
                    if name in arguments:
                        yield _source(inputs[arguments.index(name) + behind], nodes), operator
                    else:
                        yield name, operator


def _source(name: str, nodes: Iterable[Any]) -> str:
    """Follow `Identity` nodes from `name` back to the source of the value, and return its name."""
    by_name = {node.name: node for node in nodes}
    while name in by_name and by_name[name].op == "Identity":
        name = by_name[name].input[0].split(":")[0]
    return name


def _name_of(handle: Any, traced: Any) -> str:
    """Return the name of the variable to which a captured tensor refers."""
    for variable in traced.graph.variables:
        if variable.handle is handle:
            return str(variable.name.split(":")[0])
    return str(getattr(handle, "name", handle))

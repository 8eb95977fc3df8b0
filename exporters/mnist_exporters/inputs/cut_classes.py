"""`lines_that_cut`: Python code that removes the scores of some classes from a Keras model."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from mnist_exporters.inputs.original import Original
from mnist_exporters.inputs.original_model import OriginalModel

if TYPE_CHECKING:
    import keras

__all__ = ["lines_that_cut"]


def lines_that_cut(original: OriginalModel, unused: Sequence[int]) -> str:
    """Return Python code that makes a model without the scores `unused` from a Keras model in a variable ``model``.

    Parameters
    ----------
    original : OriginalModel
        The model.
    unused : sequence of int
        Numbers of the classes whose scores are removed.

    Returns
    -------
    str
        The code. Empty if fewer than two scores are left, or if the model does not end with a dense layer, with or
        without an activation after it.
    """
    kept = [number for number in range(len(original.task.labels)) if number not in unused]
    if not isinstance(original, Original) or len(kept) < 2:
        return ""
    found = _head(original.model, len(original.task.labels))
    if not found:
        return ""
    place, weights = found
    return (
        f"kept = [n for n in range({len(original.task.labels)}) if n not in {list(unused)}]; "
        "config, weights = model.get_config(), model.get_weights(); "
        f"config['layers'][{place}]['config']['units'] = len(kept); "
        f"weights[-{weights}:] = [w[..., kept] for w in weights[-{weights}:]]; "
        "model = type(model).from_config(config); model.set_weights(weights); "
        f"model.save({f'{original.name}-{len(kept)}.keras'!r})"
    )


def _head(model: keras.Model, classes: int) -> tuple[int, int] | None:
    """Return the position of the last dense layer, counted from the end, and its number of weight arrays; or None."""
    import keras

    from mnist_exporters.inputs.keras_graph.calls import is_plain_graph

    place = -2 if type(model.layers[-1]) in (keras.layers.Activation, keras.layers.Softmax) else -1
    if not is_plain_graph(model) or len(model.layers) < -place or type(model.layers[place]) is not keras.layers.Dense:
        return None
    last, end = model.layers[place], model.outputs[0]._keras_history.operation
    try:
        names = [layer["config"]["name"] for layer in model.get_config()["layers"]]
    except (NotImplementedError, TypeError, ValueError):  # a layer without a usable `get_config`
        return None
    is_last = end is model.layers[-1] and names[place] == last.name and last.weights[-1] is model.weights[-1]
    return (place, len(last.weights)) if is_last and last.units == classes else None

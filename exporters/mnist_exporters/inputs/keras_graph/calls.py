"""`layer_calls`: list the layer calls in the graph of a Keras model."""

from __future__ import annotations

from typing import Any, NamedTuple

import keras

__all__ = ["LayerCall", "is_plain_graph", "layer_calls"]


class LayerCall(NamedTuple):
    """One call of a layer: the layer, its first input and one output, as tensors of the model's graph."""

    layer: Any
    entry: Any
    output: Any


def is_plain_graph(model: Any) -> bool:
    """Return whether `model` is a built Sequential or Functional model, and not of a user's subclass."""
    return isinstance(model, keras.Model) and type(model).__module__.startswith("keras.") and bool(model.inputs)


def layer_calls(model: keras.Model) -> list[LayerCall]:
    """Return each layer call in `model`, in order.

    A call with several outputs, such as an LSTM with states, has one entry for each output. An inner model counts as
    one layer; its layers are not listed.

    Parameters
    ----------
    model : keras.Model
        A model with one input and one output, for which `is_plain_graph` is true.

    Examples
    --------
    >>> model = keras.Sequential([keras.Input((28, 28)), keras.layers.Flatten(), keras.layers.Dense(10)])
    >>> [type(call.layer).__name__ for call in layer_calls(model)]
    ['Flatten', 'Dense']
    """
    calls: list[LayerCall] = []

    def call(layer: Any, *inputs: Any, **settings: Any) -> Any:
        output = layer(*inputs, **settings)
        if inputs and isinstance(inputs[0], keras.KerasTensor | list | tuple):
            outputs = output if isinstance(output, list | tuple) else [output]
            calls.extend(LayerCall(layer, inputs[0], each) for each in outputs if isinstance(each, keras.KerasTensor))
        return output

    source = model.inputs[0]
    whole = keras.Model(source, model.outputs[0])  # `clone_model` has no `call_function` for a Sequential model
    keras.models.clone_model(whole, input_tensors=source, clone_function=lambda layer: layer, call_function=call)
    return calls

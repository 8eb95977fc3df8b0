"""`unrolled`: replace recurrent layers, which loop over time steps, by layers without a loop."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import keras
from keras import layers, ops

from mnist_exporters.errors import ConversionError

__all__ = ["MAX_STEPS", "unrolled"]

MAX_STEPS = 128
"""Maximum number of time steps. Each step takes about ten operators, and many operators make converters slow."""

CONVOLUTIONAL = (layers.ConvLSTM1D, layers.ConvLSTM2D, layers.ConvLSTM3D)
RECURRENT = (layers.LSTM, layers.GRU, layers.SimpleRNN, layers.RNN, *CONVOLUTIONAL)
BUILTIN_CELLS = ("LSTMCell", "GRUCell", "SimpleRNNCell", "ConvLSTMCell")


def unrolled(layer: Any, inner: Callable[[Any], Callable[[Any], Any]]) -> Any:
    """Return a layer that computes the same as `layer`, without a loop.

    Converters turn a recurrent layer into a loop, for which TFLite has no simple operators.

    Parameters
    ----------
    layer : keras.Layer
        Any layer. Its weights are shared, not copied.
    inner : callable
        Function that takes the layer inside a ``TimeDistributed``, and returns the function to call instead of it.

    Returns
    -------
    keras.Layer
        The new layer. `layer` itself, if it is not a recurrent layer, a ``Bidirectional`` or a ``TimeDistributed`` of
        Keras.

    Raises
    ------
    ConversionError
        If the layer is stateful, because its output then depends on earlier images.
    """
    kind = type(layer)
    if kind is layers.TimeDistributed:
        return _EveryStep(layer, inner)
    if kind not in (*RECURRENT, layers.Bidirectional):
        return layer
    if layer.stateful:
        raise ConversionError(
            f"The layer {layer.name} ({kind.__name__}) is stateful, so its answer depends on the images before. "
            "Make the layer with stateful=False; it takes the same weights."
        )
    if kind is not layers.Bidirectional:
        return _Steps(layer)
    both = (layer.forward_layer, layer.backward_layer)
    return _BothWays(layer) if {type(each) for each in both} <= set(RECURRENT) else layer


class _Replacement(keras.Layer):  # type: ignore[misc]  # Keras is untyped
    """A layer that replaces another one, and has its name and its weights."""

    def __init__(self, replaced: Any) -> None:
        super().__init__(name=replaced.name, dtype=replaced.dtype_policy)
        self.replaced = replaced
        self.supports_masking = True
        self.built = True

    def compute_output_spec(self, *inputs: Any, **settings: Any) -> Any:
        dense = keras.tree.map_structure(_dense, (inputs, settings))
        return super().compute_output_spec(*dense[0], **dense[1])

    def compute_mask(self, inputs: Any, previous_mask: Any) -> Any:
        return self.replaced.compute_mask(inputs, previous_mask) if previous_mask is not None else None


def _dense(value: Any) -> Any:
    """Return `value` marked as not sparse. Keras marks results such as ``x * 2`` as sparse, and then fails on them."""
    return keras.KerasTensor(value.shape, value.dtype) if isinstance(value, keras.KerasTensor) else value


class _Steps(_Replacement):
    """A recurrent layer, one step after the other."""

    def call(self, sequence: Any, initial_state: Any = None, mask: Any = None) -> Any:
        layer, count = self.replaced, sequence.shape[1]
        if count is None or count > MAX_STEPS:
            return layer(sequence, initial_state=initial_state, mask=mask, training=False)
        if initial_state is None:
            # One row of zeros serves all images. The converters can then fold constants in the first step.
            rows = 1 if _broadcasts(layer.cell) else ops.shape(sequence)[0]
            initial_state = layer.get_initial_state(rows)
        takes_training = isinstance(layer.cell, keras.Layer) and layer.cell._call_has_training_arg
        settings = {"training": False} if takes_training else {}
        state, last, outputs = _listed(initial_state), None, []
        masks = ops.unstack(mask, axis=1) if mask is not None else [None] * count
        steps = list(zip(ops.unstack(sequence, axis=1), masks, strict=True))
        for step, valid in reversed(steps) if layer.go_backwards else steps:
            output, new = layer.cell(step, state, **settings)
            new = _listed(new)
            if valid is not None:
                new = keras.tree.map_structure(lambda a, b, valid=valid: _where(valid, a, b), new, state)
                kept = ops.zeros_like(output) if last is None or layer.zero_output_for_mask else last
                output = _where(valid, output, kept)
            state, last = new, output
            outputs.append(output)
        result = ops.stack(outputs, axis=1) if layer.return_sequences else last
        return (result, *state) if layer.return_state else result


def _listed(state: Any) -> list[Any]:
    return list(state) if isinstance(state, list | tuple) else [state]


def _where(valid: Any, new: Any, old: Any) -> Any:
    """Return `new` for images whose present step is not masked, `old` for the others."""
    return ops.where(ops.reshape(valid, (-1, *[1] * (len(new.shape) - 1))), new, old)


def _broadcasts(cell: Any) -> bool:
    """Return whether one row of state can serve all images. A custom cell may need one row per image."""
    if isinstance(cell, layers.StackedRNNCells):
        return all(_broadcasts(each) for each in cell.cells)
    return type(cell).__name__ in BUILTIN_CELLS and type(cell).__module__.startswith("keras.")


MERGE: dict[str, Callable[[Any, Any], Any]] = {
    "concat": lambda first, second: ops.concatenate([first, second], axis=-1),
    "sum": lambda first, second: first + second,
    "ave": lambda first, second: (first + second) / 2,
    "mul": lambda first, second: first * second,
}
"""Merge mode of ``Bidirectional`` -> function."""


class _BothWays(_Replacement):
    """A ``Bidirectional`` layer."""

    def __init__(self, replaced: Any) -> None:
        super().__init__(replaced)
        self.ahead, self.back = _Steps(replaced.forward_layer), _Steps(replaced.backward_layer)

    def call(self, sequence: Any, initial_state: Sequence[Any] | None = None, mask: Any = None) -> Any:
        layer, half = self.replaced, len(initial_state or ()) // 2
        states = (initial_state[:half], initial_state[half:]) if initial_state is not None else (None, None)
        first, second = (
            each(sequence, initial_state=state, mask=mask)
            for each, state in zip((self.ahead, self.back), states, strict=True)
        )
        ends: tuple[Any, ...] = ()
        if layer.return_state:
            ends, first, second = (*first[1:], *second[1:]), first[0], second[0]
        if layer.return_sequences:
            second = ops.flip(second, axis=1)
        if layer.merge_mode is None:
            return (first, second, *ends)
        merged = MERGE[layer.merge_mode](first, second)
        return (merged, *ends) if ends else merged


class _EveryStep(_Replacement):
    """A ``TimeDistributed`` layer. The inner layer is applied once, to a batch with all steps of all images."""

    def __init__(self, replaced: Any, inner: Callable[[Any], Callable[[Any], Any]]) -> None:
        super().__init__(replaced)
        self.inner = inner(replaced.layer)

    def call(self, sequence: Any, mask: Any = None) -> Any:
        shape = tuple(sequence.shape[1:])
        if mask is not None or None in shape:
            return self.replaced(sequence, mask=mask, training=False)
        each = self.inner(ops.reshape(sequence, (-1, *shape[1:])))
        return ops.reshape(each, (-1, shape[0], *each.shape[1:]))

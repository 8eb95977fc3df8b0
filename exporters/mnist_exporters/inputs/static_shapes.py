"""`with_static_shapes`: the same model, reshaping without asking how many images there are."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import keras

__all__ = ["with_static_shapes"]


def with_static_shapes(model: keras.Model) -> keras.Model:
    """Return a model of the layers of `model`, in which each ``Flatten`` and ``Reshape`` is a reshape to known sides.

    Those layers of Keras read the number of images from the tensor that they are given, which an exported file would do
    in four operators (TFLite) or five (ONNX), half a kilobyte that no delegate takes; here it is -1, the one side that
    follows from the others.

    Parameters
    ----------
    model : keras.Model
        Sequential or functional, from one tensor to one, and so the models within it; any other may call its layers as
        it likes, and is returned as it is. Its weights are shared, not copied.

    Examples
    --------
    >>> import keras
    >>> mine = keras.Sequential([keras.Input((28, 28, 1)), keras.layers.Flatten(), keras.layers.Dense(10)])
    >>> with_static_shapes(mine).output_shape
    (None, 10)
    """
    import keras

    if not _is_a_graph(model):
        return model
    bare = keras.Model(model.inputs[0], model.outputs[0], name=model.name)  # no loss, no metrics: they may not copy
    return keras.models.clone_model(bare, clone_function=_known, call_function=_call)


def _is_a_graph(layer: Any) -> bool:
    """Tell whether `layer` is a model that does what its graph says, from one tensor to one tensor."""
    import keras

    is_plain = isinstance(layer, keras.Model) and type(layer).__module__.startswith("keras.")
    return is_plain and len(layer.inputs) == 1 and isinstance(layer.output_shape, tuple)


def _known(layer: Any) -> Any:
    return with_static_shapes(layer) if _is_a_graph(layer) else layer


def _call(layer: Any, *given: Any, **settings: Any) -> Any:
    import keras

    if type(layer) not in (keras.layers.Flatten, keras.layers.Reshape):
        return layer(*given, **settings)
    sides = layer.compute_output_shape(given[0].shape)[1:]
    if None in sides or getattr(layer, "data_format", "channels_last") != "channels_last":
        return layer(*given, **settings)
    return keras.ops.reshape(given[0], (-1, *sides))

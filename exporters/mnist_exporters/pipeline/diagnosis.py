"""`diagnosed`: tell which layer a format does not support, and which formats and precisions work."""

from __future__ import annotations

import contextlib
from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, Any

import keras

from mnist_exporters.errors import ChangingError, OperatorError
from mnist_exporters.formats.contents import ADVICE
from mnist_exporters.inputs.calibration import Calibration
from mnist_exporters.pipeline.trials import Trials
from mnist_exporters.spec.export_spec import ExportSpec
from mnist_exporters.spec.format import FORMATS
from mnist_exporters.spec.precision import Precision
from mnist_runtime.errors import ArtifactError, first_line, listed

if TYPE_CHECKING:
    from mnist_exporters.inputs.original import Original

__all__ = ["SMALLEST", "diagnosed"]

MOST_NAMED = 4
"""Maximum number of layers and of operators that a message names."""

SMALLEST = (
    Precision.INT8,
    Precision.INT16X8,
    Precision.DYNAMIC,
    Precision.FLOAT16,
    Precision.FLOAT32,
    Precision.INT4,
)
"""Precisions, those with the smallest files first; but int4 last, because it loses most accuracy."""

QUIET_ACTIVATIONS = ("linear", "relu", "softmax", "tanh", "sigmoid")
"""Activations that messages do not mention, because every format supports them."""


@contextlib.contextmanager
def diagnosed(original: Original, spec: ExportSpec, calibration: Calibration | None) -> Iterator[None]:
    """Inside this context, replace an error about an operator by one that names the layer, and formats that work.

    Parameters
    ----------
    original : Original
        The Keras model that is converted.
    spec : ExportSpec
        Format and precision of the conversion.
    calibration : Calibration or None
        Images for the trials. None: calibrated precisions are not tried.

    Raises
    ------
    OperatorError
        If the code inside the context raises an `OperatorError`, or an `ArtifactError` because an interpreter rejects
        the file.
    """
    try:
        yield
    except (OperatorError, ArtifactError) as error:
        raise _explained(error, Trials(original, spec, calibration)) from error


def _explained(error: OperatorError | ArtifactError, trials: Trials) -> OperatorError:
    spec = trials.spec
    operators, places = getattr(error, "operators", ()), getattr(error, "places", ())
    layers = _layers_at(trials.original.model, places)
    if not layers:
        layers, lacking = trials.first_failing()
        operators = lacking if layers else operators  # the error of the whole model may name a later layer's
    where, names = f"{spec.format} {spec.precision}", listed(operators, MOST_NAMED)
    subject = listed([_described(layer) for layer in layers], MOST_NAMED) or "The model"
    if isinstance(error, ChangingError):
        text = f"The scores of the model depend on more than the image, because of {subject}: it has {names}."
        return ChangingError(f"{text} {ADVICE}" if layers else str(error), operators, places)
    if operators:
        verb = "need" if len(layers) > 1 else "needs"
        problem = f"{subject} {verb} {names}, which {where} does not have."
    elif layers or isinstance(error, OperatorError):
        problem = f"{subject} cannot be expressed in {where}."
    else:
        reason = f": {first_line(error.__cause__)}" if error.__cause__ else ""
        problem = f"The interpreter rejects the {where} file of this model{reason}."
    if any("prune_low_magnitude" in place for place in places):
        fix = "The model is pruned: apply tfmot.sparsity.keras.strip_pruning to it and save it again."
        return OperatorError(f"{problem} {fix}", operators, places)
    working = list(trials.working())
    advice = _advice(working, is_located=bool(layers or operators))
    if trials.is_over():
        advice += " Other formats and precisions were not tried, because the time for trials was over."
    elif not working:
        advice += " No format and precision supports it."
    return OperatorError(f"{problem} {advice}", operators, places, _instead(spec, working))


def _advice(working: list[ExportSpec], *, is_located: bool) -> str:
    """Return advice for the message. `is_located` says whether the message names a layer or operator to replace."""
    if not working:
        return "Replace it, or compute the same with other layers." if is_located else "Compute it with other layers."
    precisions: dict[str, list[str]] = {}
    for spec in sorted(working, key=lambda each: (_place(each.format, FORMATS), _place(each.precision, Precision))):
        precisions.setdefault(spec.format, []).append(str(spec.precision))
    choices = "; ".join(f"{format} {', '.join(names)}" for format, names in precisions.items())
    return f"{'Replace it, or choose' if is_located else 'Choose'} a format and precision that work: {choices}."


def _place(name: str, table: Iterable[str]) -> int:
    return list(table).index(name)


def _instead(spec: ExportSpec, working: list[ExportSpec]) -> tuple[str, str] | None:
    """Return format and precision of the best alternative: in the same format if possible, then the smallest file."""
    best = min(working, key=lambda each: (each.format != spec.format, SMALLEST.index(each.precision)), default=None)
    return (best.format, str(best.precision)) if best else None


def _described(layer: Any) -> str:
    """Return name and class of a layer for a message, and its activation if that may be the cause."""
    activation = getattr(getattr(layer, "activation", None), "__name__", "linear")
    if activation in QUIET_ACTIVATIONS or isinstance(layer, keras.layers.Activation):
        activation = activation if isinstance(layer, keras.layers.Activation) else ""
    words = f", activation {activation}" if activation else ""
    return f"{layer.name} ({type(layer).__name__}{words})"


def _layers_at(model: Any, places: tuple[str, ...]) -> list[Any]:
    """Return the innermost layers whose names are in `places`, which are paths such as ``scaled/cnn/relu_1/Relu``."""
    found = {}
    for place in places:
        inside = model
        for step in place.replace(";", "/").split("/"):
            inside = next((each for each in getattr(inside, "layers", ()) if _is_name(step, each.name)), inside)
        if inside is not model:
            found[id(inside)] = inside
    return list(found.values())


def _is_name(step: str, name: str) -> bool:
    """Return whether `step` is `name`, or `name` with the number that TensorFlow adds to a name used before."""
    number = step.removeprefix(f"{name}_")
    return step == name or (number != step and number.isdigit())

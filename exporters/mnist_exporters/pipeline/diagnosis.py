"""`diagnosed`: find out by trial conversions which layer a format does not support, and which formats work."""

from __future__ import annotations

import contextlib
import dataclasses
import importlib.util
import time
from collections.abc import Iterable, Iterator
from contextvars import ContextVar
from typing import TYPE_CHECKING, Any

import keras

from mnist_exporters.errors import ChangingError, ConversionError, OperatorError
from mnist_exporters.formats.contents import ADVICE
from mnist_exporters.formats.plugin import load_plugin
from mnist_exporters.formats.spec_checks import check_matches, check_operators
from mnist_exporters.inputs.calibration import Calibration
from mnist_exporters.inputs.keras_graph.calls import is_plain_graph, layer_calls
from mnist_exporters.spec.export_spec import ExportSpec
from mnist_exporters.spec.format import FORMATS
from mnist_exporters.spec.precision import PACKAGES, Precision
from mnist_runtime.errors import ArtifactError, ToolkitError, first_line, listed

if TYPE_CHECKING:
    from mnist_exporters.inputs.original import Original

__all__ = ["diagnosed", "trials_limited_to"]

_seconds: ContextVar[float] = ContextVar("_seconds", default=60.0)
"""Time limit for all trial conversions, in seconds. One conversion takes about one second."""

IMAGES = 20
"""Number of calibration images in a trial."""

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
        raise _explained(error, _Trials(original, spec, calibration)) from error


@contextlib.contextmanager
def trials_limited_to(seconds: float) -> Iterator[None]:
    """Inside this context, limit the trial conversions of `diagnosed` to `seconds` seconds; 0.0 means no trials."""
    token = _seconds.set(seconds)
    try:
        yield
    finally:
        _seconds.reset(token)


def _explained(error: OperatorError | ArtifactError, trials: _Trials) -> OperatorError:
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
        advice += " Others were not tried: the time for trials was over."
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
    return f"{'Replace it, or choose' if is_located else 'Choose'} what this model converts to: {choices}."


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


class _Trials:
    """Trial conversions of a model and of its first layers, within a time limit.

    Parameters
    ----------
    original, spec, calibration
        See `diagnosed`.
    """

    def __init__(self, original: Original, spec: ExportSpec, calibration: Calibration | None) -> None:
        self.original = original
        self.spec = spec
        self._calibration = calibration and calibration.first(IMAGES)
        self._end = time.monotonic() + _seconds.get()

    def is_over(self) -> bool:
        """Return whether the time limit has passed."""
        return time.monotonic() > self._end

    def working(self) -> Iterator[ExportSpec]:
        """Yield the other formats and precisions that the model converts to, those of the same precision first."""
        others = [(format, precision) for format, row in FORMATS.items() for precision in row.io_types]
        others.remove((self.spec.format, self.spec.precision))
        for format, precision in sorted(others, key=lambda other: other[1] != self.spec.precision):
            packages = (*FORMATS[format].packages, *([PACKAGES[precision]] if precision in PACKAGES else []))
            spec = ExportSpec(format, precision)
            if all(importlib.util.find_spec(package.replace("-", "_")) for package in packages):
                with contextlib.suppress(ToolkitError, TimeoutError):
                    check_matches(self._convert(self.original, spec), spec, self.original.input_scaling)
                    yield spec

    def first_failing(self) -> tuple[list[Any], tuple[str, ...]]:
        """Find the first layer that cannot be converted, by bisection.

        Returns
        -------
        tuple
            A list with this layer, empty if it is not found; and the missing operators that the layer needs.
        """
        with contextlib.suppress(Exception):  # a custom layer may fail outside of its model
            return self._search(self.original.model, lambda output: output)
        return [], ()

    def _search(self, model: Any, within: Any) -> tuple[list[Any], tuple[str, ...]]:
        """Search the layers of `model`, which is the original or a model inside it.

        `within` maps a tensor in the graph of `model` to the corresponding tensor of the original.
        """
        if not is_plain_graph(model):
            return [], ()
        calls = layer_calls(model)
        low, high = 0, len(calls)  # the first `low` layers convert; the first `high` do not
        while high - low > 1:
            middle = (low + high) // 2
            outer = within(calls[middle - 1].output)
            low, high = (low, middle) if self._failure(outer) else (middle, high)
        failure = self._failure(within(calls[high - 1].output)) if high > low else None
        if failure is None:
            return [], ()
        layer, entry, _ = calls[high - 1]
        # In a model with branches, the last call that converts may be in another branch than the failing one.
        branch = self._failing_branch(entry, [call.output for call in calls[: max(low - 1, 0)]], within)
        if branch is not None:
            return self._search(keras.Model(model.inputs[0], branch), within)
        if is_plain_graph(layer) and len(layer.inputs) == 1:

            def inner(output: Any) -> Any:
                return keras.Model(layer.inputs[0], output)(within(entry))

            found = self._search(layer, inner)
            if found[0]:
                return found
        return [layer], getattr(failure, "operators", ())

    def _failing_branch(self, entry: Any, earlier: list[Any], within: Any) -> Any:
        """Return the first tensor in `entry` that is in `earlier` and cannot be converted, within the time limit."""
        with contextlib.suppress(TimeoutError):
            for tensor in keras.tree.flatten(entry):
                if any(tensor is output for output in earlier) and self._failure(within(tensor)):
                    return tensor
        return None

    def _failure(self, output: Any) -> ConversionError | ArtifactError | None:
        """Return why the part of the model up to the tensor `output` cannot be converted; None if it can."""
        part = keras.Model(self.original.model.inputs[0], output)
        try:
            contents = self._convert(dataclasses.replace(self.original, model=part, activation="softmax"), self.spec)
            check_operators(contents, self.spec)
        except (ConversionError, ArtifactError) as error:
            return error
        return None

    def _convert(self, original: Original, spec: ExportSpec) -> Any:
        if self.is_over():
            raise TimeoutError("No time is left for further trials.")
        plugin = load_plugin(spec.format)
        used = self._calibration if spec.precision.is_calibrated else None
        return plugin.read(plugin.convert(original, spec, used))

"""`Trials`: find by trial conversions the layer that a format does not support, and the formats that work."""

from __future__ import annotations

import contextlib
import dataclasses
import time
from collections.abc import Iterator
from contextvars import ContextVar
from typing import TYPE_CHECKING, Any

import keras

from mnist_exporters.errors import ConversionError
from mnist_exporters.formats.plugin import load_plugin
from mnist_exporters.formats.spec_checks import check_matches, check_operators
from mnist_exporters.inputs.calibration import Calibration
from mnist_exporters.inputs.keras_graph.calls import is_plain_graph, layer_calls
from mnist_exporters.spec.export_spec import ExportSpec
from mnist_exporters.spec.format import FORMATS
from mnist_runtime.errors import ArtifactError, ToolkitError

if TYPE_CHECKING:
    from mnist_exporters.inputs.original import Original

__all__ = ["Trials", "trials_limited_to"]

_seconds: ContextVar[float] = ContextVar("_seconds", default=60.0)
"""Time limit for all trial conversions, in seconds. One conversion takes about one second."""

IMAGES = 20
"""Number of calibration images in a trial."""


@contextlib.contextmanager
def trials_limited_to(seconds: float) -> Iterator[None]:
    """Inside this context, limit the trial conversions of `diagnosed` to `seconds` seconds; 0.0 means no trials."""
    token = _seconds.set(seconds)
    try:
        yield
    finally:
        _seconds.reset(token)


class Trials:
    """Trial conversions of a model and of its first layers, within a time limit.

    Parameters
    ----------
    original, spec, calibration
        See `mnist_exporters.pipeline.diagnosis.diagnosed`.
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
            spec = ExportSpec(format, precision)
            if not spec.missing_packages():
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

"""`repaired`: repeat an export that failed the accuracy check with repairs, in a fixed order."""

from __future__ import annotations

import dataclasses
import math
import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from mnist_exporters.pipeline.job import Attempt, Job
from mnist_exporters.pipeline.layer_names import layer_names
from mnist_exporters.proof.parity import Parity
from mnist_exporters.proof.reference import Reference
from mnist_exporters.proof.repair import Repair, Tried
from mnist_exporters.proof.report import ExportReport, RefusedError
from mnist_exporters.spec.export_spec import ExportSpec
from mnist_exporters.spec.format import FORMATS
from mnist_exporters.spec.precision import Precision
from mnist_exporters.spec.treatment import HIGHER, LOGITS_OUT, Treatment
from mnist_runtime.errors import ToolkitError

__all__ = ["REPAIRS", "can_be_proven", "repaired"]

SECONDS = 60.0
"""Time limit for measuring layers, in seconds. A conversion takes one to five seconds."""

UPWARD = (
    Precision.INT4,
    Precision.INT8,
    Precision.INT16X8,
    Precision.DYNAMIC,
    Precision.FLOAT16,
    Precision.FLOAT32,
)
"""The precisions, those with the largest accuracy loss first."""


@dataclass(frozen=True)
class Plan:
    """A repair to try, and the spec of its file, whose output type may differ from the requested one."""

    spec: ExportSpec
    repair: Repair


@dataclass(eq=False)
class Case:
    """A refused export, with the facts that decide which repairs are possible.

    Parameters
    ----------
    job : Job
        Job that makes further exports of the same original.
    spec : ExportSpec
        The requested spec.
    plain : Attempt
        The refused export.
    ends_with_activation : bool
        Whether the repair `_logits_out` may be possible. It is set to False when this repair has failed.
    """

    job: Job
    spec: ExportSpec
    plain: Attempt
    ends_with_activation: bool = True

    @property
    def activation(self) -> Treatment:
        """Treatment that does not compute the last activation in integers; empty if that is impossible."""
        if (self.spec.format, self.spec.precision) not in LOGITS_OUT or not self.ends_with_activation:
            return Treatment()
        return Treatment("float" if self.spec.output_dtype == "float32" else "reader")

    @property
    def higher(self) -> str | None:
        """Weight type for a layer with more bits; None if the precision has none, or if scores are nan or infinity."""
        if not self.plain.report.parity.has_finite_scores:
            return None
        return HIGHER.get((self.spec.format, self.spec.precision))

    @cached_property
    def names(self) -> tuple[str, ...]:
        """Names of the layers, in the order of the file."""
        return layer_names(getattr(self.job.original, "model", None), self.plain.contents.layers)

    def may_keep_more(self, place: int) -> bool:
        """Return whether layer number `place` may have more bits: it has few now, and less than half of all weights."""
        layers = self.plain.contents.layers
        total = sum(layer.weights for layer in layers)
        return layers[place].weight_dtype != self.higher and layers[place].weights * 2 < total

    @cached_property
    def errors(self) -> dict[int, float]:
        """Index of a layer -> mean score error on calibration images if only this layer has more bits.

        Test images must not influence the choice of a repair, because they are used for the proof.
        """
        calibration = self.job.calibration
        if self.higher is None or calibration is None:
            return {}
        images = calibration.images
        expected = self.job.original.scores(images)
        found: dict[int, float] = {}
        end = time.monotonic() + SECONDS
        for place in range(len(self.names)):
            if time.monotonic() > end:
                break
            trial = Repair("trial", "", dataclasses.replace(self.activation, layers=(place,)))
            try:
                scores = self.job.scores(self.spec, trial, images)
            except ToolkitError:  # this layer cannot have more bits
                continue
            error = float(np.abs(scores - expected).mean())
            if math.isfinite(error):
                found[place] = error
        return found

    @property
    def costliest(self) -> list[int]:
        """Indices of the layers, by the accuracy that their low precision costs, the costliest first."""
        return sorted(self.errors, key=lambda place: self.errors[place])


def _logits_out(case: Case) -> Plan | None:
    treatment = case.activation
    if not treatment:
        return None
    return Plan(case.spec, Repair("logits out", _where(case, treatment), treatment))


def _last_layer(case: Case) -> Plan | None:
    last = len(case.names) - 1
    if case.higher != "float32" or last < 0 or not case.may_keep_more(last):
        return None
    spec = case.spec
    if not spec.is_output_given and "float32" in FORMATS[spec.format].io_types[spec.precision].outputs:
        # With an 8-bit output, the gain of this layer would be lost again.
        spec = ExportSpec(
            spec.format, spec.precision, spec.max_accuracy_drop, spec.input_dtype, "float32", package=spec.package
        )
    treatment = dataclasses.replace(dataclasses.replace(case, spec=spec).activation, layers=(last,))
    return Plan(spec, _kept(case, "last layer", treatment))


def _costliest_layer(case: Case) -> Plan | None:
    allowed = next((place for place in case.costliest if case.may_keep_more(place)), None)
    if allowed is None:
        return None
    return Plan(case.spec, _kept(case, "costliest layer", dataclasses.replace(case.activation, layers=(allowed,))))


REPAIRS: dict[str, Callable[[Case], Plan | None]] = {
    "logits out": _logits_out,
    "last layer": _last_layer,
    "costliest layer": _costliest_layer,
}
"""Name -> function that plans the repair, or returns None if it is impossible. They are tried in this order.

The cost rises: the first repair costs nothing, the second some bytes, the third the speed of a layer.
"""


def _where(case: Case, treatment: Treatment) -> str:
    kind = case.job.original.score_kind
    if treatment.activation == "reader":
        return f"the file gives logits; the reader applies the {kind}"
    return f"the {kind} is in float32, at the end of the file"


def _kept(case: Case, name: str, treatment: Treatment) -> Repair:
    layers = tuple(case.names[place] for place in treatment.layers)
    what = f"the layer {', '.join(layers)} is in {case.higher}"
    if treatment.activation:
        what += f", and {_where(case, treatment)}"
    return Repair(f"{name} in {case.higher}", what, treatment, layers)


def can_be_proven(reference: Reference, tolerance: float) -> bool:
    """Return whether an export with unchanged scores would pass. If not, the images or the original are at fault."""
    return Parity.compare(reference, reference.scores, tolerance).passed


def repaired(job: Job, spec: ExportSpec, plain: Attempt) -> ExportReport:
    """Try each of `REPAIRS`, and write the first file that passes the accuracy check.

    Nothing is tried if the export gives nan or infinity, because repairs cannot prevent these.

    Parameters
    ----------
    job : Job
        Job that makes exports of the original.
    spec : ExportSpec
        The requested spec.
    plain : Attempt
        The export without repairs, which failed the check.

    Raises
    ------
    RefusedError
        If no repair passes. The message lists the repairs that were tried, the layer that loses most accuracy, and the
        next precision that passes.
    """
    case = Case(job, spec, plain)
    failed = [Tried("plain export", plain.report.parity)]
    attempted: set[tuple[str, Treatment]] = set()
    for plan_of in REPAIRS.values() if plain.report.parity.has_finite_scores else ():
        plan = plan_of(case)
        if plan is None or (plan.spec.output_dtype, plan.repair.treatment) in attempted:
            continue
        attempted.add((plan.spec.output_dtype, plan.repair.treatment))
        try:
            report = job.attempt(plan.spec, dataclasses.replace(plan.repair, failed=tuple(failed))).report
        except ToolkitError as error:
            failed.append(Tried(plan.repair.name, None, str(error)))
            if not plan.repair.treatment.layers:  # only the last activation was changed
                case.ends_with_activation = False
            continue
        if report.parity.passed:
            return report
        failed.append(Tried(plan.repair.name, report.parity))
    raise RefusedError(dataclasses.replace(plain.report, advice=_advice(case, failed[1:])), job.destination)


def _advice(case: Case, failed: list[Tried]) -> str:
    """Return the text about the repairs that failed, the layer that loses most, and the precision that passes."""
    sentences = []
    if failed:
        sentences.append(f"Repairs that do not help enough: {', '.join(map(str, failed))}.")
    if case.costliest:
        first = case.costliest[0]
        sentences.append(
            f"The layer {case.names[first]} loses most: with it in {case.higher}, scores of "
            f"calibration images differ by {case.errors[first]:.4f} on average."
        )
    passing = _next_passing(case)
    if passing:
        sentences.append(f"{case.spec.format} {passing} is proven for this model: --quantize {passing}.")
    elif len(FORMATS[case.spec.format].io_types) > 1:
        sentences.append(f"No precision of {case.spec.format} with smaller losses is proven for this model either.")
    return " ".join(sentences)


def _next_passing(case: Case) -> Precision | None:
    """Return the next precision with less accuracy loss whose export passes without repairs. No file is written."""
    for precision in UPWARD[UPWARD.index(case.spec.precision) + 1 :]:
        if precision not in FORMATS[case.spec.format].io_types:
            continue
        spec = ExportSpec(case.spec.format, precision, case.spec.max_accuracy_drop, package=case.spec.package)
        try:
            if case.job.attempt(spec, write=False).report.parity.passed:
                return precision
        except ToolkitError:  # not installed, not for this target, or not for this model
            continue
    return None

"""`repaired`: try repairs of an export that the accuracy check refused, in a fixed order."""

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
"""Time after which no further layer is measured. A conversion takes one to five seconds."""

UPWARD = (
    Precision.INT4,
    Precision.INT8,
    Precision.INT16X8,
    Precision.DYNAMIC,
    Precision.FLOAT16,
    Precision.FLOAT32,
)
"""The precisions by their accuracy loss, the largest first."""


@dataclass(frozen=True)
class Plan:
    """A repair to try, and the types of its file, which may differ from the requested ones."""

    spec: ExportSpec
    repair: Repair


@dataclass(eq=False)
class Case:
    """A refused export, and what is known about it.

    Parameters
    ----------
    job : Job
        Makes exports of the same original.
    spec : ExportSpec
        What was requested.
    plain : Attempt
        The refused export.
    ends_with_activation : bool
        Whether `_logits_out` is possible; false once it failed.
    """

    job: Job
    spec: ExportSpec
    plain: Attempt
    ends_with_activation: bool = True

    @property
    def activation(self) -> Treatment:
        """Treatment that moves the last activation out of the integers; empty if precision or model do not allow it."""
        if (self.spec.format, self.spec.precision) not in LOGITS_OUT or not self.ends_with_activation:
            return Treatment()
        return Treatment("float" if self.spec.output_dtype == "float32" else "reader")

    @property
    def higher(self) -> str | None:
        """Type of the weights of a layer that keeps more bits; None if there are no such layers, or none helps."""
        if not self.plain.report.parity.has_finite_scores:
            return None
        return HIGHER.get((self.spec.format, self.spec.precision))

    @cached_property
    def names(self) -> tuple[str, ...]:
        """Names of the layers, in the order of the file."""
        return layer_names(getattr(self.job.original, "model", None), self.plain.contents.layers)

    def may_keep_more(self, place: int) -> bool:
        """Return whether the layer at `place` has few bits now, and less than half of all weights."""
        layers = self.plain.contents.layers
        total = sum(layer.weights for layer in layers)
        return layers[place].weight_dtype != self.higher and layers[place].weights * 2 < total

    @cached_property
    def errors(self) -> dict[int, float]:
        """Place of each layer -> mean error of the scores of calibration images with this layer in more bits.

        Test images are not used, because they only prove.
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
            except ToolkitError:  # this layer cannot keep more bits
                continue
            error = float(np.abs(scores - expected).mean())
            if math.isfinite(error):
                found[place] = error
        return found

    @property
    def costliest(self) -> list[int]:
        """The layers, that whose bits cost most first: with more bits in it, scores are nearest to the original's."""
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
        # An 8-bit output would lose again what the layer gains.
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
"""Name -> function that plans the repair, or returns None if the export does not allow it; in the order of trial.

Each costs more than the one before: nothing; some bytes; the speed of a layer.
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
    """Return whether an export that changes no score would pass. If not, the images or the original are at fault."""
    return Parity.compare(reference, reference.scores, tolerance).passed


def repaired(job: Job, spec: ExportSpec, plain: Attempt) -> ExportReport:
    """Try each of `REPAIRS`, and write the first file that passes the accuracy check.

    None is tried if the export gives nan or infinity: repairs make a layer more precise, but do not prevent these.

    Parameters
    ----------
    job : Job
        Makes exports of one original.
    spec : ExportSpec
        What was requested.
    plain : Attempt
        The plain export, which the check refused.

    Raises
    ------
    RefusedError
        If none passes. The message lists what was tried, the layer that loses most, and the next precision that passes.
    """
    case = Case(job, spec, plain)
    failed = [Tried("plain export", plain.report.parity)]
    attempted: set[tuple[str, Treatment]] = set()
    for name, plan_of in REPAIRS.items() if plain.report.parity.has_finite_scores else ():
        plan = plan_of(case)
        if plan is None or (plan.spec.output_dtype, plan.repair.treatment) in attempted:
            continue
        attempted.add((plan.spec.output_dtype, plan.repair.treatment))
        try:
            report = job.attempt(plan.spec, dataclasses.replace(plan.repair, failed=tuple(failed))).report
        except ToolkitError as error:
            failed.append(Tried(plan.repair.name, None, str(error)))
            if name == "logits out":
                case.ends_with_activation = False
            continue
        if report.parity.passed:
            return report
        failed.append(Tried(plan.repair.name, report.parity))
    raise RefusedError(dataclasses.replace(plain.report, advice=_advice(case, failed[1:])), job.destination)


def _advice(case: Case, failed: list[Tried]) -> str:
    """Return what was tried, which layer loses most, and which precision passes."""
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
    """Return the first precision above the refused one whose plain export passes. No file is written."""
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

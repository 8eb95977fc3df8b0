"""Format answers as text and as JSON, for the subcommands and the server."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable

    import numpy as np
    import numpy.typing as npt

    from mnist_runtime.artifact.task import Task
    from mnist_runtime.classifier import Classifier
    from mnist_runtime.prediction import Prediction
    from mnist_runtime.reading.page import Reading

__all__ = ["classifier_facts", "in_words", "no_answer", "page_facts", "prediction_facts", "reading_facts"]


def in_words(found: Prediction, top: int, task: Task, file: str = "PICTURE") -> str:
    """Return the prediction for `file` as text, with the `top` most likely labels."""
    nothing, symbols = no_answer(task), "symbols" if task.digits is None else "digits"
    if found.reason == "several":
        import shlex  # few pictures need it

        return (
            f"{nothing}; the picture shows several {symbols} ({found.marks} marks). "
            f"Use: mnist-runtime read {shlex.quote(file)}"
        )
    if found.reason == "size":
        return f"{nothing}; far smaller or larger than most symbols. Crop the picture to it"
    best = zip(found.labels[:top], found.ranking[:top], strict=True)
    ranking = ", ".join(f"{label} ({score:.1%})" for label, (_, score) in best)
    if found.label is not None:
        return ranking
    if ranking:
        return f"{nothing}; most likely: {ranking}"
    return f"{nothing}; the picture shows no clear strokes. Take it with more contrast, in even light"


def no_answer(task: Task) -> str:
    """Return the text for a picture or a symbol without a label."""
    return "no answer" if task.digits is None else "no digit"


def classifier_facts(classifier: Classifier) -> dict[str, Any]:
    """Return the JSON fields of a classifier."""
    from mnist_runtime.backends.registry import backend_version

    manifest = classifier.manifest
    return {
        "schema": 1,
        "model": manifest.name,
        "format": manifest.format,
        "precision": manifest.precision,
        "image_shape": list(classifier.task.image_shape),
        "labels": list(classifier.task.labels),
        "preparation": classifier.task.preparation,
        **({"rejects_non_digits": manifest.source.get("rejects_non_digits")} if classifier.task.digits else {}),
        "backend": classifier.backend_name,
        "backend_version": backend_version(classifier.backend_name),
    }


def reading_facts(found: Reading, task: Task) -> dict[str, Any]:
    """Return the JSON fields of a reading."""
    facts = prediction_facts(found.prediction, 1, task)
    del facts["marks"]
    return {**facts, "box": list(found.box), "row": found.row}


def page_facts(found: Iterable[Reading], pixels: npt.NDArray[np.uint8], task: Task) -> dict[str, Any]:
    """Return the JSON fields of a picture with its readings."""
    height, width = pixels.shape[:2]
    return {"readings": [reading_facts(one, task) for one in found], "height": height, "width": width}


def prediction_facts(found: Prediction, top: int, task: Task) -> dict[str, Any]:
    """Return the JSON fields of a prediction, with the `top` most likely labels."""
    ranking = [
        {"digit": task.digits[index] if task.digits else None, "label": task.labels[index], "score": score}
        for index, score in found.ranking[:top]
    ]
    return {
        "digit": found.digit,
        "label": found.label,
        "confidence": found.confidence,
        "top": ranking,
        "reason": found.reason,
        "marks": found.marks,
    }

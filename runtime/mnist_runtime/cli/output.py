"""Text and JSON that several subcommands print."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from mnist_runtime.classifier import Classifier
    from mnist_runtime.prediction import Prediction
    from mnist_runtime.reading.page import Reading

__all__ = ["classifier_facts", "in_words", "reading_facts"]


def in_words(found: Prediction, top: int, file: str = "PICTURE") -> str:
    """Return `found` in `file` as text, with the `top` most likely digits."""
    if found.reason == "several":
        import shlex  # few pictures need it

        return (
            f"no digit; the picture shows several digits ({found.marks} marks). "
            f"Use: mnist-runtime read {shlex.quote(file)}"
        )
    ranking = ", ".join(f"{digit} ({score:.1%})" for digit, score in found.ranking[:top])
    if found.digit is None:
        return f"no digit; most likely: {ranking}" if ranking else "no digit; the picture is blank"
    return ranking


def classifier_facts(classifier: Classifier) -> dict[str, Any]:
    """Return the JSON fields of a classifier."""
    from mnist_runtime.backends.registry import backend_version

    manifest = classifier.manifest
    return {
        "schema": 1,
        "model": manifest.name,
        "format": manifest.format,
        "precision": manifest.precision,
        "rejects_non_digits": manifest.source.get("rejects_non_digits"),
        "backend": classifier.backend_name,
        "backend_version": backend_version(classifier.backend_name),
    }


def reading_facts(found: Reading) -> dict[str, Any]:
    """Return the JSON fields of a reading."""
    return {"digit": found.prediction.digit, "confidence": found.prediction.confidence, "box": list(found.box)}

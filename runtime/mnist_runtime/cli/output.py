"""output."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from mnist_runtime.classifier import Classifier
    from mnist_runtime.prediction import Prediction
    from mnist_runtime.reading.page import Reading

__all__ = ["classifier_facts", "in_words", "reading_facts"]


def in_words(found: Prediction, top: int) -> str:
    """Return what a line for people says about `found`, with its `top` likeliest digits."""
    ranking = ", ".join(f"{digit} ({score:.1%})" for digit, score in found.ranking[:top])
    if found.digit is None:
        return f"no digit; the likeliest: {ranking}" if ranking else "no digit; it is blank"
    return ranking


def classifier_facts(classifier: Classifier) -> dict[str, Any]:
    """Return what JSON says about the classifier that gave the answers."""
    from mnist_runtime.backends.registry import backend_version

    manifest = classifier.manifest
    return {
        "schema": 1,
        "model": manifest.name,
        "format": manifest.format,
        "precision": manifest.precision,
        "backend": classifier.backend_name,
        "backend_version": backend_version(classifier.backend_name),
    }


def reading_facts(found: Reading) -> dict[str, Any]:
    """Return what JSON says about one reading."""
    return {"digit": found.prediction.digit, "confidence": found.prediction.confidence, "box": list(found.box)}

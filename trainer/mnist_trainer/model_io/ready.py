"""ready."""

from __future__ import annotations

import json
from importlib import resources
from pathlib import Path
from typing import Any

from mnist_trainer.architectures.registry import ARCHITECTURES

__all__ = ["READY_MODELS", "ready_record"]


MODELS = Path(str(resources.files("mnist_trainer"))) / "models"


READY_MODELS = tuple(name for name in ARCHITECTURES if (MODELS / f"{name}.keras").is_file())
"""The architectures that come trained."""


def ready_record(model: str) -> dict[str, Any]:
    """Return how a ready model was made; nothing of another, whose record may be that of a file that was there before.

    Examples
    --------
    >>> ready_record("cnn")["pixel_range"]
    '0..1'
    """
    if model not in READY_MODELS:
        return {}
    found: dict[str, Any] = json.loads((MODELS / f"{model}.json").read_text())
    return found

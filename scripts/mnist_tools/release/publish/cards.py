"""Model cards of the ready models, from the records of their training and the measurements of their exports."""

from __future__ import annotations

import hashlib
import json
import re
from pathlib import Path
from typing import Any

import jinja2

from mnist_runtime import __version__
from mnist_tools.checkout import ROOT
from mnist_trainer import READY_MODELS, find_model
from mnist_trainer.architectures.registry import architecture

__all__ = ["card", "write_cards"]

DATA = ROOT / "docs" / "results" / "data"

CHANGES = {
    "augmentation": "images are moved, turned, sheared and resized",
    "corruptions": "{fraction:.0%} are corrupted",
    "non_digits": "{fraction:.0%} show no digit",
    "pen": "{fraction:.0%} are digits of a simulated pen",
}
"""Field of a recipe -> what happens to the training images."""


def card(name: str) -> str:
    """Return the model card of a ready model as Markdown, with the header of the Hugging Face Hub."""
    found = find_model(name)
    record: dict[str, Any] = json.loads(found.path.with_suffix(".json").read_text())
    seeds = json.loads((DATA / "seeds.json").read_text())
    exports = json.loads((DATA / "exports.json").read_text())
    measured = next(row for row in seeds if (row["architecture"], row["seed"]) == (name, record["seed"]))
    recipe = record["recipe"]
    changes = [
        words.format(**recipe[field])
        for field, words in CHANGES.items()
        if isinstance(recipe.get(field), dict) and recipe[field].get("fraction", 1)
    ]
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(Path(__file__).parent),
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
        autoescape=False,
    )
    return environment.get_template("card.md.jinja").render(
        name=name,
        version=__version__,
        summary=architecture(name).summary,
        command=re.sub(r" --(resume|output \S+)", "", record["command"]),
        duration=f"{seconds:.0f} seconds" if (seconds := record["seconds"]) < 120 else f"{seconds / 60:.0f} minutes",
        record=record,
        recipe=recipe,
        changes=changes,
        measured=measured,
        exports=[row for row in exports if row["model"] == name],
        sha256=hashlib.sha256(found.path.read_bytes()).hexdigest(),
        bytes=found.path.stat().st_size,
    )


def write_cards(folder: Path) -> list[Path]:
    """Write the card of each ready model into `folder`."""
    folder.mkdir(parents=True, exist_ok=True)
    places = []
    for name in READY_MODELS:
        place = folder / f"{name}.md"
        place.write_text(card(name), "utf-8")
        places.append(place)
    return places

"""The tables of docs/experiments/low-bit.md show the recorded measurements."""

import json

from mnist_tools.checkout import ROOT
from mnist_tools.studies.quantizers import tables
from mnist_tools.studies.quantizing.variants import VARIANTS

FACTS = json.loads((ROOT / "docs" / "experiments" / "low-bit.json").read_text())


def test_the_page_shows_the_recorded_measurements() -> None:
    assert tables(FACTS) in (ROOT / "docs" / "experiments" / "low-bit.md").read_text()


def test_every_variant_is_measured_for_every_model() -> None:
    measured = [(entry["model"], entry["key"]) for entry in FACTS["measured"]]
    assert set(measured) == {(model, key) for model, _ in measured for key in VARIANTS}

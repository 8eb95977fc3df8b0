"""``scripts/tool studies turned-away``: the network that is trained there, and the rows of the page."""

import json
from pathlib import Path

import pytest

from mnist_tools.checkout import ROOT
from mnist_tools.studies import turned_away
from mnist_tools.studies.turned_away import KINDS, main, page, train_sure
from mnist_trainer import Splits


@pytest.mark.long
def test_the_sure_network_is_made_as_described(digits: Splits) -> None:
    model = train_sure(digits, epochs=1, units=16)
    assert [layer.units for layer in model.layers[1:]] == [16, 16, 10]
    assert float(model.optimizer.learning_rate) < 1e-5
    assert model.predict(digits.test.images[:200] / 255.0, verbose=0).argmax(axis=1).tolist() != [0] * 200


def test_the_page_has_each_row_and_the_largest_fraction() -> None:
    rows = json.loads((ROOT / "docs" / "experiments" / "turned-away.json").read_text())["rows"]
    text = page(rows)
    assert text == (ROOT / "docs" / "experiments" / "turned-away.md").read_text()
    assert {(row["format"], row["precision"]) for row in rows} <= {(format, str(kind)) for format, kind in KINDS}
    assert max(row["unseen_without_answer"] / row["images"] for row in rows if "images" in row) <= 0.005


@pytest.mark.long
def test_one_model_is_measured_again_and_the_others_are_kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    kind = {"format": "tflite", "precision": "int8"}
    before = [{"model": model, **kind, "refused": "before"} for model in ("linear", "mlp")]
    results = tmp_path / "results.json"
    results.write_text(json.dumps({"rows": before}))
    monkeypatch.setattr(turned_away, "KINDS", [("tflite", "int8")])
    monkeypatch.setattr(turned_away, "load_data", lambda *_: None)
    monkeypatch.setattr(turned_away, "open_session", lambda model, *_: model)
    monkeypatch.setattr(turned_away, "measure", lambda model, *_: {"model": model, **kind, "refused": "again"})
    assert main(["--again", "--model", "mlp", "--results", str(results)]) == 0
    rows = json.loads(results.read_text())["rows"]
    assert [(row["model"], row["refused"]) for row in rows] == [("linear", "before"), ("mlp", "again")]

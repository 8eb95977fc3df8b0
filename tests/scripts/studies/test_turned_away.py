"""``scripts/tool studies turned-away``: the network that is trained there, and the rows of the page."""

import json

from mnist_tools.checkout import ROOT
from mnist_tools.studies.turned_away import KINDS, page, train_sure
from mnist_trainer import Splits


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

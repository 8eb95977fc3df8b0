"""The page of models shows the recorded measurements, and these belong to the current recipes."""

import copy
import json
import re
from pathlib import Path

import pytest

from mnist_tools.checkout import ROOT, ToolError
from mnist_tools.release import seeds
from mnist_tools.release.results import models_page, others_cell, spread, summary_table
from mnist_tools.release.seeds import SEEDS, is_current, read_rows, write_rows
from mnist_trainer import ARCHITECTURES, READY_MODELS, find_model

PAGE = (ROOT / "docs" / "results" / "models.md").read_text()
ROWS = json.loads(SEEDS.read_text())


def test_every_architecture_is_measured_with_its_current_recipe() -> None:
    assert read_rows() == ROWS
    assert {row["architecture"] for row in ROWS} == set(ARCHITECTURES)


@pytest.mark.parametrize("name", READY_MODELS)
def test_every_ready_model_is_among_the_measured_ones(name: str) -> None:
    assert is_current(find_model(name).path, name)
    record = json.loads(find_model(name).path.with_suffix(".json").read_text())
    [row] = [row for row in ROWS if (row["architecture"], row["seed"]) == (name, record["seed"])]
    for figure in ("parameters", "macs", "validation_accuracy", "recipe", "seconds"):
        assert row[figure] == record[figure]
    assert row["float_accuracy"] == pytest.approx(record["test_accuracy"], abs=2e-4)


def test_results_of_an_older_recipe_or_network_are_dropped(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(seeds, "SEEDS", tmp_path / "seeds.json")
    assert read_rows() == []
    old, other = copy.deepcopy(ROWS[0]), copy.deepcopy(ROWS[0])
    old["recipe"]["epochs"] += 1
    other["macs"] += 1
    write_rows([old, other, *reversed(ROWS[1:])])
    assert read_rows() == ROWS[1:]


def test_the_table_shows_means_and_standard_deviations() -> None:
    assert spread([0.99, 0.992, 0.994]) == "99.20 ± 0.20"
    assert spread([0.99]) == "99.00"
    assert models_page(ROWS) == PAGE
    assert len(re.findall(r"^\| `[\w-]+` \| [\d,]+ \| \d+\.\d\d \|", PAGE, re.MULTILINE)) == len(ARCHITECTURES)


def test_other_peoples_digits_are_a_mean_of_what_is_measured() -> None:
    first, second = ({"scikit-learn's digits": 0.9, "pen, other shapes": each, "printed": 0.1} for each in (0.8, 0.85))
    rows = [{"domains": {"accuracy": first}}, {"domains": {"accuracy": second}}, {"seed": 3}]
    assert others_cell(rows) == "90.0, 82.5"
    assert others_cell([{"seed": 3}]) == "-"


def test_a_time_that_is_not_measured_is_asked_for() -> None:
    rows = copy.deepcopy(ROWS)
    del next(row for row in rows if row["architecture"] == "cnn")["p50_us"]
    with pytest.raises(ToolError, match=r"of cnn is not measured\. .*: scripts/tool release seeds --latency"):
        summary_table([], rows)

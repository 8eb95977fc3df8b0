"""``scripts/tool stress fuzz``: what it starts from, what it counts, and a short run."""

import importlib.util
import json
from pathlib import Path
from random import Random

import pytest

pytest.importorskip("ai_edge_litert", reason="seeds are made with the schema of LiteRT")
pytest.importorskip("flatbuffers", reason="seeds are made with FlatBuffers")

from mnist_runtime import PictureError
from mnist_tools.checkout import ROOT, ToolError
from mnist_tools.stress import fuzz
from mnist_tools.stress.fuzzing.readers import READERS, Reader, WrongAnswerError, require
from mnist_tools.stress.fuzzing.seeds import kept
from mnist_tools.stress.fuzzing.tally import Tally, outcome_of
from mnist_tools.stress.mutations import MUTATIONS, mutated

FEW = 8
"""Inputs of the slow readers that are tried here."""


@pytest.mark.parametrize("name", READERS)
def test_first_inputs_are_answered_and_damaged_ones_are_no_failure(name: str) -> None:
    if name == "video":
        pytest.importorskip("cv2")
    reader = READERS[name]
    seeds = reader.seeds()
    step = 1 if name == "manifest" else max(1, len(seeds) // FEW)
    found = [outcome_of(reader, content) for content in seeds[::step]]
    assert [problem for _, problem in found if problem is not None] == []
    assert {outcome for outcome, _ in found} >= {"answered"}
    random = Random(0)
    for kind in MUTATIONS:
        outcome, problem = outcome_of(reader, mutated(random, kind, random.choice(seeds), random.choice(seeds)))
        assert outcome in ("answered", "refused"), problem


@pytest.mark.parametrize("name", READERS)
def test_the_kept_inputs_are_no_failure(name: str) -> None:
    if name == "video":
        pytest.importorskip("cv2")
    for content in kept(name)[:: 1 if name in ("manifest", "container", "flatbuffer") else 4]:
        outcome, problem = outcome_of(READERS[name], content)
        assert outcome in ("answered", "refused"), problem


def failing(error: Exception | None) -> Reader:
    def read(_: bytes) -> None:
        if error is not None:
            raise error

    return Reader("", list, read)


@pytest.mark.parametrize(
    ("error", "outcome"),
    [
        (None, "answered"),
        (PictureError("It is damaged."), "refused"),
        (PictureError("long " * 999), "crashed"),
        (ZeroDivisionError(), "crashed"),
        (MemoryError(), "crashed"),
        (WrongAnswerError(""), "wrong"),
    ],
)
def test_each_outcome_is_counted(tmp_path: Path, error: Exception | None, outcome: str) -> None:
    tally = Tally.open(tmp_path / "tally")
    assert tally.count(failing(error), b"")[0] == outcome
    assert {name for name, count in Tally.open(tmp_path / "tally").counts().items() if count} == {outcome}


def test_an_answer_that_fails_a_check_is_wrong() -> None:
    require(True, "right")
    with pytest.raises(WrongAnswerError, match="the time goes back"):
        require(False, "the time goes back")


def test_without_atheris_the_message_says_how_to_install_it(monkeypatch: pytest.MonkeyPatch) -> None:
    find = importlib.util.find_spec
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None if name == "atheris" else find(name))
    with pytest.raises(ToolError, match=r"pip install -e '\.\[fuzz\]'"):
        fuzz.main(["manifest"])


def test_the_page_has_the_figures_of_the_file() -> None:
    rows = json.loads((ROOT / "docs" / "results" / "data" / "fuzzing.json").read_text())
    assert set(rows) <= set(READERS)
    assert (ROOT / "docs" / "results" / "fuzzing.md").read_text() == fuzz.page(rows)
    for row in rows.values():
        assert row["tried"] == sum(row[name] for name in ("answered", "refused", "crashed", "wrong"))


def test_figures_are_replaced_or_added(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "docs" / "results" / "data").mkdir(parents=True)
    monkeypatch.setattr(fuzz, "ROOT", tmp_path)
    monkeypatch.setattr(fuzz.metadata, "version", lambda _: "3")
    run = dict.fromkeys(("tried", "answered", "refused", "crashed", "wrong", "seconds"), 2) | {"findings": ["a"]}
    for add, expected in ((False, 2), (True, 4), (False, 2)):
        fuzz.write("video", run, add=add)
        found = json.loads((tmp_path / "docs" / "results" / "data" / "fuzzing.json").read_text())["video"]
        assert (found["tried"], len(found["findings"])) == (expected, expected // 2)


@pytest.mark.skipif(importlib.util.find_spec("atheris") is None, reason="needs atheris")
def test_a_short_run(tmp_path: Path) -> None:
    found = fuzz.fuzz("manifest", 2, 1, tmp_path)
    assert found["tried"] > 100
    assert (found["crashed"], found["wrong"], found["findings"]) == (0, 0, [])
    assert found["answered"] >= len(READERS["manifest"].seeds())
    assert len(list((tmp_path / "corpus").iterdir())) > len(READERS["manifest"].seeds())

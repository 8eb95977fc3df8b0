"""The check of a watched meter notices each kind of fault; the film shows what its table says."""

from __future__ import annotations

import json
import runpy
import sys
from collections import Counter
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from mnist_runtime import Frame
from mnist_runtime.reading.metering.regions import Region, load_regions
from mnist_runtime.reading.metering.values import ValueReader
from mnist_tools.checkout import ROOT
from mnist_tools.stress.live import clock as clocks
from mnist_tools.stress.live.clock import Clock
from mnist_tools.stress.live.film import Film
from mnist_tools.stress.live.film_accuracy import judge
from mnist_tools.stress.live.page import page
from mnist_tools.stress.meter import FAULTS, PAGE, RESULTS, Findings, problems

pytest.importorskip("cv2")
EXAMPLE = ROOT / "examples" / "meter"


def good(number: float) -> dict[str, Any]:
    return {"name": "water", "value": number, "unit": "m³", "digits": f"{number * 1000:08.0f}", "state": "good"}


@pytest.fixture
def film() -> Film:
    """A meter that runs from 1.000 by 0.001 a second, and began at second 0."""
    values = [1 + number / 5000 for number in range(500)]
    return Film(Path(), [np.zeros((2, 2, 3), np.uint8)] * 500, values, [True] * 500)


@pytest.fixture
def found() -> Findings:
    printed = [(second + 0.6, good(round(1 + second / 1000, 3))) for second in range(1, 50)]
    heard = [(moment + 0.01, value) for moment, value in printed]
    rows = [(repr(value["value"]), value["digits"], value["state"]) for _, value in printed]
    return Findings(printed, heard, rows, dict.fromkeys(("broker", "camera", "disk", "clock"), 1), 143)


def test_a_right_run_has_no_problems_and_repeated_messages_are_none(found: Findings, film: Film) -> None:
    assert problems(found, film) == []
    repeated = [*found.heard[:9], *found.heard[5:]]
    assert problems(replace(found, heard=repeated), film) == []


def test_each_kind_of_fault_is_noticed(found: Findings, film: Film) -> None:
    wrong = [*found.printed]
    wrong[7] = (wrong[7][0], good(1.018))
    cases = {
        "The exit code is 1": replace(found, code=1),
        "There is a traceback": replace(found, words="Traceback (most recent call last):"),
        "No value was printed": replace(found, printed=[], heard=[], written=[]),
        "Values were never shown: [1.018]": replace(found, printed=wrong),
        "The CSV file has other values": replace(found, written=found.written[1:]),
        "Messages are missing": replace(found, heard=[*found.heard[:5], *found.heard[6:]]),
        "or in another order": replace(
            found, heard=[*found.heard[:5], found.heard[6], found.heard[5], *found.heard[7:]]
        ),
        "values that were not printed": replace(found, heard=[(0.5, good(7.0)), *found.heard]),
        "is not the last value": replace(found, heard=[*found.heard, found.heard[0]]),
    }
    for words, case in cases.items():
        assert any(words in problem for problem in problems(case, film)), words


def test_published_values_are_judged_by_the_second_before() -> None:
    region = Region("water", ((0, 0, 9, 9),) * 8, decimals=3)
    values = [1.0, 1.001, 1.002, 1.003, 1.004, 1.005, 1.006]
    lines = [{"frame": 6, "values": [good(number)]} for number in (1.002, 1.006, 1.001, 1.007)]
    assert judge(region, values, lines) == Counter(good=4, right=2, wrong=2)


def test_the_page_shows_the_figures() -> None:
    facts = {
        "films": {"frames": {"right": 9, "wrong": 1, "wheel right": 79, "wheel wrong": 1}, "values": {"good": 1234}},
        "quiet": {"median_delay_seconds": 0.62, "longest_delay_seconds": 1.5},
        "faults": {"faults": {"broker": 20, "camera": 19, "disk": 18, "clock": 17}, "values": 5, "messages": 6},
        "memory": {"frames": 432_000, "grown_bytes": 2048},
    }
    facts["faults"]["problems"] = []  # type: ignore[assignment]
    text = page(facts)
    for words in ("90.0%", "98.75%", "1,234", "**0**", "0.62 s", "19 times", "432,000 frames | 2 kB", "**none**"):
        assert words in text, words


def test_the_page_shows_the_delays_with_faults_too() -> None:
    quiet = {"median_delay_seconds": 0.62, "longest_delay_seconds": 1.5}
    faults = {"faults": dict.fromkeys(FAULTS, 20), "values": 5, "messages": 6, "problems": []}
    assert "| | without faults |\n|---|--:|\n| median | 0.62 s |" in page({"quiet": quiet, "faults": faults})
    faults |= {"median_delay_seconds": 0.7, "longest_delay_seconds": 17.25}
    text = page({"quiet": quiet, "faults": faults})
    assert "| | without faults | with faults |\n|---|--:|--:|\n| median | 0.62 s | 0.7 s |" in text
    assert "| longest | 1.5 s | 17.25 s |" in text


def test_the_written_page_is_that_of_the_recorded_figures() -> None:
    assert page(json.loads(RESULTS.read_text("utf-8"))) == PAGE.read_text("utf-8")


def test_the_clock_of_a_process_is_set(tmp_path: Path, run: Any) -> None:
    if not any(clocks.shutil.which(name) for name in ("cc", "gcc", "clang")):
        pytest.skip("there is no C compiler")
    clock = Clock(tmp_path)
    clock.jump(-1_700_000_000)
    code = "import time, datetime; print(time.time() < 2e8, time.monotonic() > 0, datetime.datetime.now().year < 1990)"
    assert run("python", "-c", code, **clock.environment).stdout == "True True True\n"


@pytest.fixture
def drawn(monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    """What examples/meter/film.py defines."""
    pytest.importorskip("matplotlib")
    monkeypatch.syspath_prepend(EXAMPLE)
    monkeypatch.delitem(sys.modules, "render", raising=False)
    names = runpy.run_path(str(EXAMPLE / "film.py"))
    monkeypatch.delitem(sys.modules, "render")
    return names


def test_wheels_turn_as_in_a_meter(drawn: dict[str, Any]) -> None:
    assert "".join(drawn["labels"](1_234_567)) == "01234567"
    assert drawn["labels"](1_234_567.5) == [*"0123456", "N"]
    assert drawn["labels"](1_239_999.5) == [*"012", *"NNNNN"]
    assert drawn["labels"](1_234_567.9) == [*"0123456", "8"]
    assert drawn["labels"](1_234_567.3)[-1] == "7N"
    assert drawn["wheels"](39.25)[-2:] == [3.25, 9.25]


def test_the_film_has_what_its_table_says(drawn: dict[str, Any], tmp_path: Path) -> None:
    drawn["film"](tmp_path, 6, 1, 0, 0.5)
    (region,) = load_regions(tmp_path / "regions.toml")
    rows = (tmp_path / "truth.csv").read_text().splitlines()
    assert len(rows) == 7
    reader = ValueReader([region])
    with Image.open(tmp_path / "still.png") as still:
        pixels = np.asarray(still)
    assert [digit.shape for digit in reader.cut_out(Frame(0.0, 0, pixels), region)] == [(48, 30, 3)] * 8
    assert json.dumps(rows[1].split(",")[1]).startswith('"1')


@pytest.mark.parametrize(("action", "said"), [("start", "1."), ("compare", "1 values of")])
def test_the_person_reads_the_meter(action: str, said: str, tmp_path: Path, run: Any) -> None:
    (tmp_path / "truth.csv").write_text("frame,value,wheel-1\n0,1.00000,1\n1,1.00100,1\n")
    line = {"seconds": 0.2, "frame": 1, "values": [good(1.005)]}
    (tmp_path / "first.jsonl").write_text(json.dumps(line) + "\n")
    done = run("python", EXAMPLE / "person.py", action, tmp_path)
    assert said in done.stdout, done.stderr
    assert ("1 wrong" in done.stdout) == (action == "compare")

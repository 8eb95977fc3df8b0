"""``scripts/tool bench runtime``: medians, goals, and a page that shows the recorded measurements."""

import copy
import json

import pytest

from mnist_tools.bench import runtime as bench_runtime
from mnist_tools.bench.runtime import FIGURES, goal, line, meets, page, take_turns, times, verdicts
from mnist_tools.checkout import ROOT

SPEED = json.loads((ROOT / "docs" / "results" / "data" / "speed.json").read_text())


class Clock:
    """A clock that moves only when `move` is called."""

    def __init__(self) -> None:
        self.seconds = 0.0

    def __call__(self) -> float:
        return self.seconds

    def move(self, seconds: float) -> None:
        self.seconds += seconds


def test_the_median_is_returned_and_the_first_turn_ignored() -> None:
    clock = Clock()
    cold = iter([100.0, 100.0])
    contestants = {
        "first": (lambda seconds: clock.move(next(cold, seconds)), [1, 30]),
        "second": (clock.move, [2, 2, 90]),
    }
    assert take_turns(contestants, 3, clock) == {"first": 15.5, "second": 2}


@pytest.mark.parametrize("backend", ["litert", "onnxruntime", "numpy"])
def test_every_figure_is_measured(monkeypatch: pytest.MonkeyPatch, backend: str) -> None:
    for name, value in {"IMAGES": 48, "SIZES": (1, 16), "SINGLES": 2, "TURNS": 1, "ROUNDS": 1}.items():
        monkeypatch.setattr(bench_runtime, name, value)
    suffix = "onnx" if backend == "onnxruntime" else "tflite"
    found = times(str(ROOT / "runtime" / "mnist_runtime" / "models" / f"cnn-int8.{suffix}"), backend)
    assert found["batch"]["bare_size"] in (1, 16)
    for figure in ("one_image", "batch"):
        ours, bare = found[figure]["ours_us"], found[figure]["bare_us"]
        assert ours > 0
        assert bare > 0
        assert found[figure]["ratio"] == ours / bare
    threads = found["threads"]
    assert threads["ratio"] == pytest.approx(threads["two_images_s"] / threads["one_images_s"])


@pytest.mark.parametrize("figure", FIGURES)
@pytest.mark.parametrize("backend", ["litert", "numpy"])
def test_a_figure_that_misses_its_goal_is_marked(backend: str, figure: str) -> None:
    row = copy.deepcopy(next(row for row in SPEED["rows"] if row["backend"] == backend))
    bound = goal(row, figure)
    for each in FIGURES:
        row[each]["ratio"] = goal(row, each)
    assert meets(row, figure)
    assert "✗" not in line(row)
    row[figure]["ratio"] = bound - 0.02 if figure == "threads" else bound + 0.02
    assert not meets(row, figure)
    assert line(row).count("✗") == 1
    assert f"{FIGURES[figure]}: 0 of 1" in verdicts([row])


def test_the_page_shows_the_recorded_measurements() -> None:
    assert (ROOT / "docs" / "results" / "speed.md").read_text() == page(SPEED)

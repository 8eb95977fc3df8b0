"""What a person sees first in a report: recommendation, picture, refusals, footer."""

import dataclasses
import json
import re
from collections.abc import Callable
from pathlib import Path

import pytest

from mnist_exporters import Comparison, ExportReport, ExportSession, Latency, Parity, Precision
from mnist_exporters.reports.candidate import Candidate
from mnist_exporters.reports.chart import LOSSES, size_and_speed
from mnist_exporters.reports.circumstances import Circumstances
from mnist_exporters.reports.flips import changed_cells
from mnist_exporters.reports.html import html_report
from mnist_exporters.reports.recommendation import COMMANDS, STEPS, commands_for, next_step
from mnist_exporters.spec.format import FORMATS
from mnist_exporters.targets.interpreters import INTERPRETERS


def latency(p50: float, interpreter: str = "litert") -> Latency:
    return Latency(interpreter, "2.3.0", p50, p50 * 1.2, 0.1, 40_000_000)


def text_of(page: str) -> str:
    return " ".join(re.sub(r"<style>.*?</style>|<[^>]*>", " ", page, flags=re.DOTALL).split())


@pytest.fixture(scope="module")
def session(sessions: Callable[[str], ExportSession]) -> ExportSession:
    return sessions("linear")


@pytest.fixture(scope="module")
def int8(exported: Callable[..., ExportReport]) -> ExportReport:
    return exported("linear", "tflite", Precision.INT8)


def as_format(report: ExportReport, format: str, **changes: object) -> ExportReport:
    """Return a report of a file in another format, as it would be."""
    path = report.path.with_suffix(FORMATS[format].suffix)
    loads_on = tuple(name for name, row in INTERPRETERS.items() if format in row.formats)
    return dataclasses.replace(report, format=format, path=path, loads_on=loads_on, **changes)


def comparison(session: ExportSession, *rows: Candidate) -> Comparison:
    return Comparison(session.original, session.reference, rows)


def test_every_format_has_a_command_or_a_next_step() -> None:
    assert COMMANDS.keys() | STEPS.keys() == FORMATS.keys()
    assert not COMMANDS.keys() & STEPS.keys()


def test_a_report_of_c_code_alone_recommends_it_and_says_what_to_do(session: ExportSession, int8: ExportReport) -> None:
    large, small = (as_format(int8, "c", model_bytes=count) for count in (9000, 8000))
    found = comparison(session, Candidate(large, (), None), Candidate(small, (), None))
    assert found.recommended is found.candidates[1]
    assert found.reason.startswith("c int8: the smallest model of 2 proven files; its speed is not measured here")
    assert found.next_step.startswith("Use it in C: compile linear-int8.c into your program")
    page = text_of(html_report(found))
    assert "Recommended: linear-int8.c" in page
    assert "Use it in C: compile linear-int8.c" in page
    json.dumps(found.as_dict(), allow_nan=False)


def test_the_recommendation_names_the_file_and_the_command_for_a_pi(session: ExportSession, int8: ExportReport) -> None:
    found = comparison(session, Candidate(int8, (latency(60),), None))
    deploy, classify = found.commands
    assert deploy == f"mnist-export deploy {int8.path} pi@raspberrypi.local"
    assert classify == f"mnist-runtime classify --model {int8.path} PICTURE"
    page = text_of(html_report(found))
    assert f"Recommended: linear-int8.tflite , {int8.size_bytes / 1000:.1f} kB, 60 µs for an image" in page
    assert deploy in page
    spaced = dataclasses.replace(int8, path=Path("my models/a.tflite"))
    assert "'my models/a.tflite'" in commands_for(spaced)[0]
    assert next_step(int8) == ""


def test_runners_up_are_smaller_or_faster_or_for_smaller_devices(session: ExportSession, int8: ExportReport) -> None:
    best = dataclasses.replace(int8, precision="float32", size_bytes=12_000, loads_on=("litert",))
    rows = (
        Candidate(best, (latency(20),), None),
        Candidate(dataclasses.replace(int8, size_bytes=10_000), (latency(900),), None),
        Candidate(dataclasses.replace(best, size_bytes=90_000, precision="float16"), (latency(15),), None),
        Candidate(as_format(int8, "c", size_bytes=50_000, model_bytes=100), (), None),
        Candidate(dataclasses.replace(int8, path=None, size_bytes=1), (), None),
    )
    found = comparison(session, *rows)
    assert found.recommended is rows[0]
    assert [(one.why, one.row) for one in found.runners_up] == [
        ("the smallest file, runs on a Pi Zero", rows[1]),
        ("the fastest", rows[2]),
        ("for a microcontroller", rows[3]),
    ]
    assert found.as_dict()["runners_up"][1] == {"why": "the fastest", "format": "tflite", "precision": "float16"}
    assert "linear-int8.c: for a microcontroller (50.0 kB)" in text_of(html_report(found))


def test_the_picture_has_a_mark_for_each_file_and_interpreter(session: ExportSession, int8: ExportReport) -> None:
    lost = dataclasses.replace(int8.parity, drop=0.002)
    large = dataclasses.replace(int8, size_bytes=4 * int8.size_bytes, precision="float32", parity=lost)
    rows = (
        Candidate(int8, (latency(60), latency(600, "numpy")), None),
        Candidate(large, (latency(50),), None),
        Candidate(as_format(int8, "c"), (), None),
        Candidate(dataclasses.replace(int8, path=None), (), None),
    )
    chart = size_and_speed(comparison(session, *rows))
    small, slow, big = chart.marks
    assert small.x == slow.x < big.x
    assert slow.y < small.y < big.y, "the upper end is slow"
    assert (small.shape, slow.shape) == tuple(chart.shapes.values())
    assert [mark.is_best for mark in chart.marks] == [True, False, False]
    assert (small.color, LOSSES[big.color][1]) == (0 if int8.parity.drop <= 0 else 1, "up to 0.3")
    assert [label.text for label in chart.labels] == ["tflite int8", "tflite float32"]
    assert chart.unmeasured == ["linear-int8.c"]
    page = html_report(comparison(session, *rows))
    assert page.index("<svg") < page.index("<table"), "a picture first"
    assert "not measured: linear-int8.c" in text_of(page)


def test_labels_of_files_of_nearly_one_size_do_not_cover_each_other(session: ExportSession, int8: ExportReport) -> None:
    rows = [
        Candidate(dataclasses.replace(int8, size_bytes=10_000 + 60 * number), (latency(60 + number),), None)
        for number in range(4)
    ]
    labels = size_and_speed(comparison(session, *rows)).labels
    ends = {"start": (0, 66), "middle": (-33, 33), "end": (-66, 0)}
    boxes = [(label.x + ends[label.anchor][0], label.x + ends[label.anchor][1], label.y) for label in labels]
    for number, (left, right, line) in enumerate(boxes):
        for other_left, other_right, other_line in boxes[:number]:
            assert abs(line - other_line) > 9 or left > other_right or other_left > right


def test_a_refusal_shows_the_lost_pictures_without_a_click(session: ExportSession, int8: ExportReport) -> None:
    parity = Parity.compare(session.reference, int8.scores[::-1], 0.005)
    refused = dataclasses.replace(int8, path=None, parity=parity, scores=int8.scores[::-1])
    page = html_report(comparison(session, Candidate(refused, (), None)))
    part = page.split("tflite int8 is refused")[1].split("<details>")[0]
    assert part.count("lost<br>") == part.count("<img") == 24
    assert "but the tolerance is 0.50 points" in part
    assert "No file is recommended" in page


def test_the_footer_and_the_json_say_how_to_repeat_the_report(session: ExportSession, int8: ExportReport) -> None:
    found = Circumstances.of(session, ["tflite"], "mnist-export linear --report <b>here</b>")
    shown = dataclasses.replace(comparison(session, Candidate(int8, (latency(60),), None)), circumstances=found)
    facts = json.loads(json.dumps(shown.as_dict()))["circumstances"]
    assert facts["versions"].keys() == {"mnist-edge-export", *FORMATS["tflite"].packages}
    assert facts["test_sha256"] == session.test.sha256
    assert facts["calibration"]["sha256"] == session.calibration.as_dict()["sha256"]
    assert facts["machine"]["processor"]
    page = html_report(shown)
    assert "<b>here" not in page
    footer = text_of(page.split("<footer>")[1])
    for words in (
        found.date,
        "mnist-export linear",
        found.machine.processor,
        found.test_sha256,
        "tensorflow",
        "seed 0",
    ):
        assert words in footer


def test_changed_cells_are_mistakes_only() -> None:
    assert changed_cells([], []) == []
    assert changed_cells([[5, 0, 0], [1, 4, 0], [0, 0, 5]], [[4, 1, 0], [1, 4, 0], [3, 0, 2]]) == [(2, 0, 3), (0, 1, 1)]

import dataclasses
import json
import re
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from mnist_exporters import Calibration, ExportReport, Original, Parity, Precision, Reference
from mnist_exporters.pipeline.stability import stability
from mnist_exporters.reports.comparison import Candidate, Comparison
from mnist_exporters.reports.html import html_report
from mnist_exporters.reports.latency import Latency, measure_latency
from mnist_exporters.reports.table import print_table
from mnist_trainer import Splits


def latency(p50: float) -> Latency:
    return Latency("litert", "2.3.0", p50, p50 * 1.2, 0.1, 40_000_000)


@pytest.fixture(scope="module")
def comparison(exported: Callable[..., ExportReport], originals: dict[str, Original], digits: Splits) -> Comparison:
    """The int8 file answers 37 digits otherwise; a copy of it is refused, with two images turned around."""
    original = originals["linear"]
    reference = Reference.of(original, digits.test)
    good, small = (exported("linear", "tflite", p) for p in (Precision.FLOAT32, Precision.INT8))
    parity = Parity.compare(reference, small.scores[::-1], 0.005)
    bad = dataclasses.replace(small, path=None, parity=parity, scores=small.scores[::-1])
    rows = (Candidate(good, (latency(50),), None), Candidate(small, (latency(60),), None), Candidate(bad, (), None))
    return Comparison(original, reference, rows)


def test_the_best_of_size_and_speed_is_recommended_with_the_reason(comparison: Comparison) -> None:
    assert comparison.recommended is comparison.candidates[1]
    assert comparison.reason.startswith("tflite int8: 1.00x the size of the smallest and 1.20x the time of the fastest")
    slow = dataclasses.replace(comparison.candidates[1], latencies=(latency(5000),))
    changed = dataclasses.replace(comparison, candidates=(comparison.candidates[0], slow))
    assert changed.recommended is comparison.candidates[0]


def test_nothing_refused_or_unmeasured_is_recommended(comparison: Comparison) -> None:
    unmeasured = dataclasses.replace(comparison.candidates[1], latencies=())
    empty = dataclasses.replace(comparison, candidates=(unmeasured, comparison.candidates[2]))
    assert empty.recommended is None
    assert "none is recommended" in empty.reason


def test_the_json_holds_every_flip_and_a_confusion_matrix_of_all_images(comparison: Comparison) -> None:
    facts = json.loads(json.dumps(comparison.as_dict(), allow_nan=False))
    assert facts["recommended"] == {"format": "tflite", "precision": "int8"}
    for artifact, row in zip(facts["artifacts"], comparison.candidates, strict=True):
        before, after = comparison.reference.scores.argmax(axis=1), row.report.scores.argmax(axis=1)
        assert [flip["index"] for flip in artifact["flips"]] == np.flatnonzero(before != after).tolist()
        kinds = [flip["kind"] for flip in artifact["flips"]]
        assert (kinds.count("lost"), kinds.count("gained")) == (row.report.parity.lost, row.report.parity.gained)
        counts = np.array(artifact["confusion"])
        assert counts.sum() == 1500
        assert counts.trace() / 1500 == pytest.approx(row.report.parity.accuracy_exported)


def test_the_page_shows_every_flip_and_needs_no_network(comparison: Comparison) -> None:
    page = html_report(comparison)
    flips = sum(len(artifact["flips"]) for artifact in comparison.as_dict()["artifacts"])
    assert page.count("data:image/png;base64,") == flips > 1000
    assert not re.search(r"(src|href)=\"(?!data:)|url\(|@import|<script|https?://", page)
    assert page.count("recommended") + page.count("Recommended") >= 1
    assert "refused" in page
    assert "Expected at most 0.50%" in page


def test_names_are_escaped(comparison: Comparison) -> None:
    wicked = dataclasses.replace(comparison.original, name="<script>alert(1)</script>")
    page = html_report(dataclasses.replace(comparison, original=wicked))
    assert "<script>" not in page
    assert "&lt;script&gt;" in page


def test_the_terminal_shows_the_same_rows(comparison: Comparison, capfd: pytest.CaptureFixture[str]) -> None:
    print_table(comparison)
    printed = capfd.readouterr()
    assert printed.out == ""
    for words in ("tflite float32", "tflite int8", "recommended", "REFUSED", "litert 60", "the best of both"):
        assert words in printed.err


def test_each_installed_interpreter_is_measured_in_a_process_of_its_own(
    exported: Callable[..., ExportReport],
) -> None:
    import importlib.util

    found = measure_latency(exported("mlp", "tflite", Precision.INT8).path, "tflite")
    expected = {"litert", "numpy"} | ({"tflite-runtime"} if importlib.util.find_spec("tflite_runtime") else set())
    assert {one.interpreter for one in found} == expected
    for one in found:
        assert 1 < one.p50_us <= one.p95_us < 100_000
        assert 0.01 < one.cold_start_s < 60
        assert 20e6 < one.peak_memory_bytes < 400e6, "of the interpreter, not of TensorFlow, which this process holds"


def test_a_file_that_cannot_run_is_not_measured(exported: Callable[..., ExportReport], tmp_path: object) -> None:
    assert measure_latency(tmp_path / "missing.tflite", "tflite") == ()


def test_what_lies_in_the_folder_of_the_command_is_not_imported(
    exported: Callable[..., ExportReport], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    path = exported("mlp", "onnx", Precision.FLOAT32).path
    (tmp_path / "json.py").write_text("raise RuntimeError\n")
    monkeypatch.chdir(tmp_path)
    assert [one.interpreter for one in measure_latency(path, "onnx")] == ["onnxruntime"]


@pytest.mark.parametrize("format", ["tflite", "onnx"])
def test_two_halves_of_the_calibration_agree(
    exported: Callable[..., ExportReport], originals: dict[str, Original], digits: Splits, format: str
) -> None:
    reference = Reference.of(originals["cnn"], digits.test)
    calibration = Calibration.draw(digits.train, 200, seed=0)
    found = stability(originals["cnn"], exported("cnn", format, Precision.INT8), reference, calibration)
    assert found is not None
    assert found.passed
    assert found.agreement > 0.99
    assert found.max_score_error > 0, "two different files"


def test_neither_sorted_images_nor_a_strict_proof_are_taken_for_unstable(
    exported: Callable[..., ExportReport],
    originals: dict[str, Original],
    digits: Splits,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("mnist_exporters.pipeline.stability.IMAGES", 1000)
    order = np.argsort(digits.test.labels, kind="stable")
    reference = Reference.of(originals["cnn"], digits.test.take(order, "test"))
    report = exported("cnn", "tflite", Precision.INT8)
    calibration = Calibration.draw(digits.train, 200, seed=0)
    found = stability(originals["cnn"], report, reference, calibration)
    assert found is not None
    assert found.images == 1000
    assert found.passed, found.reasons
    strict = dataclasses.replace(report, parity=dataclasses.replace(report.parity, tolerance=0.004))
    found = stability(originals["cnn"], strict, reference, calibration)
    assert found is not None
    assert found.images == 1250, "a stricter proof takes more images"


def test_a_half_of_blank_images_is_unstable(
    exported: Callable[..., ExportReport], originals: dict[str, Original], digits: Splits
) -> None:
    reference = Reference.of(originals["cnn"], digits.test)
    images = digits.train.images[:40].copy()
    images[np.arange(40) // 10 % 2 == 1] = 0
    found = stability(
        originals["cnn"], exported("cnn", "tflite", Precision.INT8), reference, Calibration(images, "made up", 0)
    )
    assert found is not None
    assert not found.passed


def test_there_is_nothing_to_compare_without_calibration(
    exported: Callable[..., ExportReport], originals: dict[str, Original], digits: Splits
) -> None:
    reference = Reference.of(originals["cnn"], digits.test)
    arguments = (originals["cnn"], exported("cnn", "onnx", Precision.FLOAT32), reference)
    assert stability(*arguments, Calibration.draw(digits.train, 100, seed=0)) is None
    int8 = exported("cnn", "onnx", Precision.INT8)
    assert stability(originals["cnn"], int8, reference, Calibration.draw(digits.train, 10, seed=0)) is None

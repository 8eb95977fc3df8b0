import dataclasses
import json
import re
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from mnist_exporters import (
    Calibration,
    Comparison,
    ExportReport,
    ExportSession,
    Latency,
    Parity,
    Precision,
    compare,
    measure_latency,
)
from mnist_exporters.pipeline.stability import stability
from mnist_exporters.proof.repair import Repair, Tried
from mnist_exporters.proof.threshold import Threshold
from mnist_exporters.reports.candidate import Candidate
from mnist_exporters.reports.html import html_report
from mnist_exporters.reports.table import print_table
from mnist_exporters.spec.processor_memory import ProcessorMemory
from mnist_exporters.spec.treatment import Treatment
from mnist_exporters.targets.ethos_u import NpuMemory
from mnist_runtime import ArtifactError


def latency(p50: float) -> Latency:
    return Latency("litert", "2.3.0", p50, p50 * 1.2, 0.1, 40_000_000)


@pytest.fixture(scope="module")
def comparison(exported: Callable[..., ExportReport], sessions: Callable[[str], ExportSession]) -> Comparison:
    """Compare two exports and a refused copy of the second, whose scores are in reverse order."""
    session = sessions("linear")
    reference = session.reference
    good, small = (exported("linear", "tflite", p) for p in (Precision.FLOAT32, Precision.INT8))
    parity = Parity.compare(reference, small.scores[::-1], 0.005)
    bad = dataclasses.replace(small, path=None, parity=parity, scores=small.scores[::-1])
    rows = (Candidate(good, (latency(50),), None), Candidate(small, (latency(60),), None), Candidate(bad, (), None))
    return Comparison(session.original, reference, rows)


def test_best_of_size_and_speed_is_recommended_with_the_reason(comparison: Comparison) -> None:
    assert comparison.recommended is comparison.candidates[1]
    assert comparison.reason.startswith("tflite int8: 1.00x the size of the smallest and 1.20x the time of the fastest")
    slow = dataclasses.replace(comparison.candidates[1], latencies=(latency(5000),))
    changed = dataclasses.replace(comparison, candidates=(comparison.candidates[0], slow))
    assert changed.recommended is comparison.candidates[0]


def test_a_device_with_an_npu_is_listed_only_if_its_compiler_has_compiled_the_model(comparison: Comparison) -> None:
    plain = comparison.candidates[1]
    assert plain.targets == ("pi-zero", "pi-3-32", "pi-3", "pi-4", "pi-5", "mcu")
    report = dataclasses.replace(plain.report, npu=NpuMemory("ethos-u55-128", 4000, 20_000, "Vela 4.2"))
    compiled = dataclasses.replace(plain, report=report)
    assert compiled.targets == (*plain.targets, "ethos-u55")


def test_no_refused_or_unmeasured_export_is_recommended(comparison: Comparison) -> None:
    unmeasured = dataclasses.replace(comparison.candidates[1], latencies=())
    empty = dataclasses.replace(comparison, candidates=(unmeasured, comparison.candidates[2]))
    assert empty.recommended is None
    assert "No file is recommended" in empty.reason


def test_json_has_every_changed_answer_and_a_confusion_matrix_of_all_images(comparison: Comparison) -> None:
    facts = json.loads(json.dumps(comparison.as_dict(), allow_nan=False))
    assert facts["recommended"] == {"format": "tflite", "precision": "int8"}
    for artifact, row in zip(facts["artifacts"], comparison.candidates, strict=True):
        before, after = comparison.reference.scores.argmax(axis=1), row.report.scores.argmax(axis=1)
        is_away = row.report.scores.max(axis=1).astype(float) < row.report.parity.judged_threshold
        assert [flip["index"] for flip in artifact["flips"]] == np.flatnonzero((before != after) | is_away).tolist()
        kinds = [flip["kind"] for flip in artifact["flips"]]
        assert (kinds.count("lost"), kinds.count("gained")) == (row.report.parity.lost, row.report.parity.gained)
        counts = np.array(artifact["confusion"])
        assert counts.sum() == 1500
        right = counts.trace() - row.report.parity.turned_away_right
        assert right / 1500 == pytest.approx(row.report.parity.accuracy_exported)


def test_page_and_json_show_images_without_an_answer(comparison: Comparison) -> None:
    good = comparison.candidates[0]
    lowest = np.sort(good.report.scores.max(axis=1).astype(float))
    threshold = Threshold(float(lowest[2]), float(lowest[3]))
    parity = Parity.compare(comparison.reference, good.report.scores, 0.01, threshold)
    few = dataclasses.replace(parity, unproven_classes=("7",))
    report = dataclasses.replace(good.report, parity=few)
    changed = dataclasses.replace(comparison, candidates=(dataclasses.replace(good, report=report),))
    (artifact,) = changed.as_dict()["artifacts"]
    unanswered = [flip for flip in artifact["flips"] if flip["exported"] is None]
    assert len(unanswered) == parity.turned_away == 3
    assert {flip["kind"] for flip in unanswered} <= {"lost", "moved"}
    page = html_report(changed)
    assert page.count("→ no answer") == 3
    assert "3 without an answer" in page
    assert "Nothing is proven for 7" in page


def test_page_shows_every_changed_answer_and_needs_no_network(comparison: Comparison) -> None:
    page = html_report(comparison)
    flips = sum(len(artifact["flips"]) for artifact in comparison.as_dict()["artifacts"])
    assert page.count("data:image/png;base64,") == flips > 1000
    assert not re.search(r"(src|href)=\"(?!data:)|url\(|@import|<script|https?://", page)
    assert page.count("recommended") + page.count("Recommended") >= 1
    assert "refused" in page
    assert "but the tolerance is 0.50 points" in page


def test_repair_is_in_page_table_and_json(comparison: Comparison, capsys: pytest.CaptureFixture[str]) -> None:
    row = comparison.candidates[1]
    failed = (Tried("plain export", comparison.candidates[2].report.parity),)
    repair = Repair("logits out", "the reader applies <i>", Treatment("reader"), (), failed)
    row = dataclasses.replace(row, report=dataclasses.replace(row.report, repair=repair))
    repaired = dataclasses.replace(comparison, candidates=(row,))
    page = html_report(repaired)
    assert "proven, repaired" in page
    assert "logits out; the reader applies &lt;i&gt;. Refused before:\nplain export (" in page
    print_table(repaired)
    assert "recommended, repaired" in capsys.readouterr().err
    (artifact,) = json.loads(json.dumps(repaired.as_dict(), allow_nan=False))["artifacts"]
    assert (artifact["repair"]["name"], artifact["repair"]["failed"][0]["name"]) == ("logits out", "plain export")
    assert all(each["repair"] is None for each in comparison.as_dict()["artifacts"])


def test_names_are_escaped(comparison: Comparison) -> None:
    renamed = dataclasses.replace(comparison.original, name="<script>alert(1)</script>")
    page = html_report(dataclasses.replace(comparison, original=renamed))
    assert "<script>" not in page
    assert "&lt;script&gt;" in page


def test_page_counts_repeated_images_if_there_are_any(comparison: Comparison) -> None:
    assert "repeat others" not in html_report(comparison)
    images, labels = comparison.reference.images.copy(), comparison.reference.labels.copy()
    images[1:4], labels[1:4] = images[0], labels[0]
    reference = dataclasses.replace(comparison.reference, images=images, labels=labels)
    assert "3 of them repeat others, exactly or nearly" in html_report(
        dataclasses.replace(comparison, reference=reference)
    )


def test_table_in_the_terminal_has_every_column_within_80_characters(
    comparison: Comparison, capfd: pytest.CaptureFixture[str]
) -> None:
    print_table(comparison)
    printed = capfd.readouterr()
    assert printed.out == ""
    text = " ".join(printed.err.split())
    for words in ("tflite float32", "tflite int8", "recommended", "REFUSED", "litert 60/72", "best combination"):
        assert words in text
    for row in comparison.candidates:
        size, model = (f"{count / 1000:.1f}" for count in (row.report.size_bytes, row.report.model_bytes))
        assert f"{row.name} {size}" in text, "the size is that of the file"
        assert f"{row.name} {model}" in text, "that of the model in it is in another table"
    for heading in (
        "accuracy",
        "points",
        "at most",
        "same",
        "lost",
        "gained",
        "p",
        "kB",
        "model kB",
        "ratio",
        "p50/p95 µs",
        "start s",
    ):
        assert heading in text
    assert max(map(len, printed.err.splitlines())) <= 80


@pytest.mark.long
def test_each_installed_interpreter_is_measured_in_its_own_process(
    exported: Callable[..., ExportReport],
) -> None:
    import importlib.util

    found = measure_latency(exported("mlp", "tflite", Precision.INT8).path)
    expected = {"litert", "numpy"} | ({"tflite-runtime"} if importlib.util.find_spec("tflite_runtime") else set())
    assert {one.interpreter for one in found} == expected
    for one in found:
        assert 1 < one.p50_us <= one.p95_us < 100_000
        assert 0.01 < one.cold_start_s < 60
        assert 20e6 < one.peak_memory_bytes < 400e6, (
            "memory of the interpreter without TensorFlow, which only this process has"
        )


def test_a_missing_file_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(ArtifactError, match="There is no file"):
        measure_latency(tmp_path / "missing.tflite")


def test_modules_in_the_current_folder_are_not_imported(
    exported: Callable[..., ExportReport], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    path = exported("mlp", "onnx", Precision.FLOAT32).path
    (tmp_path / "json.py").write_text("raise RuntimeError\n")
    monkeypatch.chdir(tmp_path)
    assert [one.interpreter for one in measure_latency(path)] == ["onnxruntime"]


@pytest.mark.long
def test_compare_measures_writes_and_reports_progress(
    exported: Callable[..., ExportReport], sessions: Callable[[str], ExportSession], tmp_path: Path
) -> None:
    lines: list[str] = []
    report = exported("mlp", "onnx", Precision.INT8)
    found = compare(sessions("mlp"), [report], tmp_path / "new" / "folder", lines.append)
    assert lines == ["measuring onnx int8 ..."]
    assert found.recommended is found.candidates[0]
    assert found.candidates[0].stability is not None
    written = json.loads((tmp_path / "new" / "folder" / "report.json").read_text())
    assert written == json.loads(json.dumps(found.as_dict()))


@pytest.mark.long
@pytest.mark.parametrize("format", ["tflite", "onnx"])
def test_exports_of_two_calibration_halves_agree(
    exported: Callable[..., ExportReport], sessions: Callable[[str], ExportSession], format: str
) -> None:
    found = sessions("cnn").stability(exported("cnn", format, Precision.INT8))
    assert found is not None
    assert found.passed
    assert found.agreement > 0.99
    assert found.max_score_error > 0, "the two files differ"


@pytest.mark.slow
def test_sorted_images_and_a_strict_tolerance_are_not_reported_as_unstable(
    exported: Callable[..., ExportReport], sessions: Callable[[str], ExportSession], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("mnist_exporters.pipeline.stability.IMAGES", 1000)
    cnn = sessions("cnn")
    order = np.argsort(cnn.reference.labels, kind="stable")
    by_digit = {name: getattr(cnn.reference, name)[order] for name in ("images", "labels", "scores")}
    reference = dataclasses.replace(cnn.reference, **by_digit)
    report = exported("cnn", "tflite", Precision.INT8)
    found = stability(cnn.original, report, reference, cnn.calibration)
    assert found is not None
    assert found.images == 1000
    assert found.passed, found.reasons
    strict = dataclasses.replace(report, parity=dataclasses.replace(report.parity, tolerance=0.004))
    found = stability(cnn.original, strict, reference, cnn.calibration)
    assert found is not None
    assert found.images == 1250, "a stricter tolerance needs more images"


def test_a_part_of_the_test_images_is_judged_as_all_of_them_are(
    exported: Callable[..., ExportReport], sessions: Callable[[str], ExportSession], monkeypatch: pytest.MonkeyPatch
) -> None:
    """An export was called unstable because a part of the images lacks a class, or is smaller than the known ones."""
    mlp = sessions("mlp")
    report = exported("mlp", "onnx", Precision.INT8)
    order = np.argsort(mlp.reference.labels, kind="stable")
    by_digit = {name: getattr(mlp.reference, name)[order] for name in ("images", "labels", "scores")}
    known = dataclasses.replace(mlp.reference, in_training=200, **by_digit)
    monkeypatch.setattr(
        "mnist_exporters.pipeline.stability._scores", lambda original, *_, images, **__: original.scores(images)
    )
    for count in (300, 8):
        monkeypatch.setattr("mnist_exporters.pipeline.stability.IMAGES", count)
        found = stability(mlp.original, report, known, mlp.calibration)
        assert found is not None
        assert not any("training images" in reason or "no test images" in reason for reason in found.reasons)
    assert 10 <= found.images <= 18
    monkeypatch.setattr("mnist_exporters.pipeline.stability.IMAGES", 300)
    for tolerance, images in ((0.01, 300), (0.005, 300), (0.0025, 600)):
        other = dataclasses.replace(report, parity=dataclasses.replace(report.parity, tolerance=tolerance))
        found = stability(mlp.original, other, known, mlp.calibration)
        assert found is not None
        assert found.images == images, "a stricter tolerance needs more images, in random order"


@pytest.mark.slow
def test_calibration_half_of_blank_images_is_unstable(
    exported: Callable[..., ExportReport], sessions: Callable[[str], ExportSession]
) -> None:
    cnn = sessions("cnn")
    images = cnn.train.images[:40].copy()
    images[np.arange(40) // 10 % 2 == 1] = 0
    report = exported("cnn", "tflite", Precision.INT8)
    found = stability(cnn.original, report, cnn.reference, Calibration(images, "made up", 0))
    assert found is not None
    assert not found.passed


def test_stability_needs_a_calibrated_precision_and_enough_images(
    exported: Callable[..., ExportReport], sessions: Callable[[str], ExportSession]
) -> None:
    cnn = sessions("cnn")
    assert cnn.stability(exported("cnn", "onnx", Precision.FLOAT32)) is None
    assert cnn.stability(dataclasses.replace(exported("cnn", "onnx", Precision.INT8), path=None)) is None, "refused"
    few = ExportSession(cnn.original, cnn.train, cnn.test, calibration_samples=10)
    assert few.stability(exported("cnn", "onnx", Precision.INT8)) is None


def test_the_page_has_the_memory_of_c_code(comparison: Comparison) -> None:
    row = comparison.candidates[0]
    assert "on microcontrollers" not in html_report(comparison)
    memory = (ProcessorMemory("cortex-m4", 34_567, 10_080, "zig"),)
    measured = dataclasses.replace(row, report=dataclasses.replace(row.report, processors=memory))
    page = html_report(dataclasses.replace(comparison, candidates=(measured,)))
    assert "cortex-m4 34,567 10,080 zig" in " ".join(re.sub(r"<[^>]*>", " ", page).split())

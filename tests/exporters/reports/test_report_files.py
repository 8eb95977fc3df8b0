import dataclasses
import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from mnist_exporters import Comparison, ExportReport, ExportSession, Parity, Precision
from mnist_exporters.errors import OutputError
from mnist_exporters.reports.candidate import Candidate
from mnist_exporters.reports.html import REPORT_FILES, write_report


@pytest.fixture(scope="module")
def broken(exported: Callable[..., ExportReport], sessions: Callable[[str], ExportSession]) -> Comparison:
    """An export that was refused because it gives nan for some images."""
    reference = sessions("linear").reference
    report = exported("linear", "tflite", Precision.INT8)
    scores = report.scores.copy()
    scores[:20] = np.nan
    refused = dataclasses.replace(
        report, path=None, scores=scores, parity=Parity.compare(reference, scores, report.parity.tolerance)
    )
    return Comparison(sessions("linear").original, reference, (Candidate(refused, (), None),))


def test_json_of_an_export_with_nan_is_valid(broken: Comparison, tmp_path: Path) -> None:
    write_report(broken, tmp_path)
    facts = json.loads((tmp_path / "report.json").read_bytes(), parse_constant=pytest.fail)
    (artifact,) = facts["artifacts"]
    assert [flip["exported_score"] for flip in artifact["flips"] if flip["index"] < 20] != []
    assert all(flip["exported_score"] is None for flip in artifact["flips"] if flip["index"] < 20)


def test_earlier_report_is_unchanged_if_the_new_one_cannot_be_written(
    broken: Comparison, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    for name in REPORT_FILES:
        (tmp_path / name).write_text("earlier")

    def fail(path: Path, text: str, encoding: str) -> None:
        path.write_bytes(text.encode(encoding)[:100])
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Path, "write_text", fail)
    with pytest.raises(OutputError, match="No space left on device"):
        write_report(broken, tmp_path)
    assert sorted(path.name for path in tmp_path.iterdir()) == sorted(REPORT_FILES), "no temporary file is left"
    assert {(tmp_path / name).read_text() for name in REPORT_FILES} == {"earlier"}

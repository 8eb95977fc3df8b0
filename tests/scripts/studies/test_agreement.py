"""Engines are compared with the NumPy engine, score by score."""

import numpy as np
import pytest

from mnist_tools.checkout import ToolError
from mnist_tools.studies import agreement as study

ROWS = [study.Agreement("tiny", "c", "random", 7, 7, 1.0), study.Agreement("mlp", "c", "random", 6, 7, 1.0)]


@pytest.mark.slow
def test_c_code_agrees(monkeypatch: pytest.MonkeyPatch) -> None:
    images = np.random.default_rng(0).integers(0, 256, (50, 28, 28), dtype=np.uint8)
    (row,) = study.agreement("linear", ["c"], {"random": images}, data="digits")
    assert (row.equal, row.total) == (50, 50)


def test_a_different_score_is_an_error_and_marked(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(study, "image_sets", dict)
    monkeypatch.setattr(study, "agreement", lambda *_: ROWS)
    with pytest.raises(ToolError, match="Scores differ in mlp c"):
        study.main(["linear"])
    assert study.page(ROWS).splitlines()[-2:] == [
        "| `tiny` | c | random | 7 of 7 |  |",
        "| `mlp` | c | random | 6 of 7 | ✗ |",
    ]

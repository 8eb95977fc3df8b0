"""The weakest digit of a set is named, and whole files are measured."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

import mnist_runtime
from mnist_tools.training import handwriting
from mnist_trainer import Splits


def test_the_weakest_digit_and_the_answers_are_found() -> None:
    labels = np.array([0, 0, 1, 1, 1, 1], np.uint8)
    scores = np.eye(10, dtype=np.float32)[[0, 3, 1, 1, 1, 5]] * np.array([[1, 0.4, 1, 1, 1, 0.6]], np.float32).T
    found = handwriting.measured(lambda _: scores, (np.zeros((6, 28, 28), np.uint8), labels), 0.5)
    assert found == (pytest.approx(100 * 4 / 6), {0: 50.0, 1: 75.0}, pytest.approx(100 * 5 / 6))
    assert found.cell() == "66.67 (0: 50.0; answered 83.33)"


def test_the_weakest_digit_of_the_mean_need_not_be_that_of_a_model() -> None:
    rows = [
        handwriting.Found(90.0, {0: 80.0, 1: 90.0, 2: 100.0}, 99.0),
        handwriting.Found(92, {0: 96, 1: 82, 2: 83}, 97),
    ]
    assert handwriting.mean_of(rows) == (91.0, {0: 88.0, 1: 86.0, 2: 91.5}, 98.0)
    assert handwriting.mean_of(rows).cell(with_answered=False) == "91.00 (1: 86.0)"


def test_only_an_exported_file_has_a_threshold() -> None:
    ready = next((Path(mnist_runtime.__file__).parent / "models").glob("*.tflite"))
    assert 0 < (handwriting.threshold_of(str(ready)) or 0) < 1
    assert handwriting.threshold_of("mlp") is None


def test_each_model_has_a_row_with_every_set(
    digits: Splits, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(handwriting, "load_data", lambda _: digits)
    np.savez(tmp_path / "more.npz", images=digits.test.images[:300], labels=digits.test.labels[:300])
    assert handwriting.main(["linear", "mlp", "--others", str(tmp_path / "more.npz")]) == 0
    title, _, first, second, mean = capsys.readouterr().out.splitlines()
    assert title == "| model | scikit-learn | held-out pen | more |"
    accuracy = [[float(cell.split()[0]) for cell in row.strip("|").split("|")[1:]] for row in (first, second, mean)]
    assert np.mean(accuracy[:2], axis=0) == pytest.approx(accuracy[2], abs=0.01)
    assert accuracy[1][0] > accuracy[0][0] > 50


def test_mnist_is_measured_clean_and_under_every_corruption(
    digits: Splits, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    few = Splits(digits.train, digits.test.take(np.arange(20), "test"))
    monkeypatch.setattr(handwriting, "load_data", lambda _: few)
    images, labels = handwriting.corrupted(few.test)
    assert images.shape == (15 * 20, 28, 28)
    assert np.array_equal(labels[20:40], few.test.labels)
    assert handwriting.main(["mlp", "--corrupted"]) == 0
    title, _, row = capsys.readouterr().out.splitlines()
    assert title.endswith("| MNIST, test | the same, corrupted |")
    clean, changed = (float(cell.split()[0]) for cell in row.strip("|").split("|")[3:])
    assert clean > changed > 30

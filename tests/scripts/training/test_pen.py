"""``scripts/tool training pen`` on few images."""

from pathlib import Path

import numpy as np
import pytest

from mnist_tools.training import pen
from mnist_trainer import Splits


@pytest.mark.slow
def test_a_row_for_each_fraction_has_the_accuracy_on_each_set(
    digits: Splits, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(pen, "load_data", lambda _: digits._replace(train=digits.test))
    np.savez(tmp_path / "more.npz", images=digits.train.images, labels=digits.train.labels)
    words = ["linear", "--images", "900", "--epochs", "6", "--pen", "0", "0.2", "--others", str(tmp_path / "more.npz")]
    assert pen.main(words) == 0
    title, _, *rows = capsys.readouterr().out.splitlines()
    assert title == "| linear, pen digits | out of fold | scikit-learn | held-out pen | more |"
    without, with_pen = ([float(cell.strip(" %")) for cell in row.strip("|").split("|")] for row in rows)
    assert (without[0], with_pen[0]) == (0, 20)
    assert min(without[1:3]) > 50
    assert with_pen[3] > without[3]

"""``scripts/tool studies several-digits`` on few pictures."""

from pathlib import Path

import numpy as np
import pytest

from mnist_tools.studies.several_digits import main


@pytest.mark.long
def test_each_row_has_fractions_of_its_pictures(
    tmp_path: Path, golden: np.ndarray, capsys: pytest.CaptureFixture[str]
) -> None:
    np.savez(tmp_path / "digits.npz", images=golden, labels=np.array([6, 1, 4, 8, 2, 5, 0, 9, 3, 7]))
    rows = ["enlarged", "frame, underline, specks", "two in 26x48 pixels"]
    assert main(["8", "--images", str(tmp_path / "digits.npz"), "--rows", *rows]) == 0
    _, *lines = capsys.readouterr().out.splitlines()
    assert [line[:26].strip() for line in lines] == rows
    for line in lines:
        number, *shares, _ = line[26:].split()
        right, wrong, none, several, lost = (float(share.rstrip("%")) for share in shares)
        assert int(number) == 8
        assert right + wrong + none + several == pytest.approx(100)
        assert several == 0 or not line.startswith(("enlarged", "frame"))
        assert lost == 0
    assert several >= 75

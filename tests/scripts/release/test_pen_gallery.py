"""The gallery of the simulated pen is drawn by a command."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from mnist_tools.release.pen_gallery import PICTURE, main


@pytest.mark.long
def test_the_command_draws_the_gallery(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "pen.png"
    assert main(["--output", str(path)]) == 0
    assert capsys.readouterr().out == f"{path}\n"
    with Image.open(path) as drawn, Image.open(PICTURE) as stored:
        assert drawn.size == stored.size
        different = np.abs(np.asarray(drawn.convert("L"), int) - np.asarray(stored.convert("L"), int))
    assert different.mean() < 2, "run scripts/tool release pen-gallery"

"""The pictures of the explanations are drawn by a command, and show what the pages say."""

import re
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from mnist_runtime import Classifier
from mnist_tools.release.pictures import DIGIT, PICTURES, RED, interval_picture, main, photograph_pictures


def test_the_command_draws_the_stored_pictures(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--output", str(tmp_path)]) == 0
    printed = [Path(line).name for line in capsys.readouterr().out.splitlines()]
    assert len(printed) == 9
    for name in printed:
        drawn, stored = tmp_path / name, PICTURES / name
        if name.endswith(".svg"):
            assert drawn.read_text() == stored.read_text(), "run scripts/tool release pictures"
            continue
        with Image.open(drawn) as new, Image.open(stored) as old:
            assert new.size == old.size
            different = np.abs(np.asarray(new.convert("RGB"), int) - np.asarray(old.convert("RGB"), int))
        assert different.mean() < 2, f"{name}: run scripts/tool release pictures"


def test_the_photograph_shows_each_step_and_is_read() -> None:
    pictures = photograph_pictures()
    assert (np.asarray(pictures["photo-4-lines.png"]) == RED).all(axis=-1).sum() > 500, "no ruled line was found"
    photo = np.asarray(pictures["photo-2-gray.png"])
    assert Classifier.load().classify(photo).digit == DIGIT


def test_the_intervals_have_the_verdicts_of_the_page() -> None:
    assert re.findall(r">(proven|refused)<", interval_picture()) == [
        "proven",
        "proven",
        "refused",
        "proven",
        "refused",
    ]

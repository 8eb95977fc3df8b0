from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from mnist_trainer import find_model
from mnist_trainer.training.monitoring.curves import BLUE, ORANGE, draw_curves


@pytest.mark.parametrize("epochs", [1, 30])
def test_both_panels_show_training_and_validation(tmp_path: Path, epochs: int) -> None:
    record = find_model("cnn").record
    history = {key: values[:epochs] for key, values in record["history"].items()}
    draw_curves(record | {"history": history}, tmp_path / "curves.png")
    with Image.open(tmp_path / "curves.png") as picture:
        pixels = np.asarray(picture.convert("RGB"))
    assert pixels.shape == (432, 1080, 3)
    for color in (BLUE, ORANGE):
        wanted = tuple(bytes.fromhex(color[1:]))
        columns = np.flatnonzero((pixels == wanted).all(axis=2).any(axis=0))
        assert columns.min() < 540 < columns.max()


def test_a_loss_of_zero_and_any_name_can_be_drawn(tmp_path: Path) -> None:
    history = {"loss": [0.1, 0.0], "val_loss": [0.2, 0.0], "accuracy": [0.9, 1.0], "val_accuracy": [0.8, 1.0]}
    record = {"architecture": "cnn", "dataset": "$\\frac$ \u6570", "test_accuracy": 1.0, "history": history}
    draw_curves(record, tmp_path / "curves.png")
    assert (tmp_path / "curves.png").read_bytes().startswith(b"\x89PNG")

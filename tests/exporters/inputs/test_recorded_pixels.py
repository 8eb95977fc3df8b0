"""The record beside a model of ``mnist-train`` states how its pixels are scaled, unless the file is another one."""

import json
import shutil
from dataclasses import replace
from pathlib import Path

import pytest

from mnist_exporters import open_session
from mnist_trainer import Splits, architecture, load_model, train
from mnist_trainer.data.records import read_record
from mnist_trainer.evaluation.predictor import load_predictor


@pytest.fixture(scope="module")
def folder(digits: Splits, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder with `trained.keras` and its record, and `other.keras`, the same network with other weights."""
    folder = tmp_path_factory.mktemp("trained")
    linear = architecture("linear")
    train(linear, digits, recipe=replace(linear.recipe, epochs=1)).save(folder / "trained.keras")
    load_model("linear").save(folder / "other.keras")
    return folder


def origin(path: Path, data: Splits) -> str:
    """Return the scaling of an exported model and where it is from; `mnist-evaluate` must agree."""
    original = open_session(path, data).original
    said: list[str] = []
    load_predictor(str(path), data.test, report=said.append)
    assert f" ({original.range_origin})" in said[0]
    return f"{original.scaling.name}, {original.range_origin}"


@pytest.mark.long
def test_the_record_of_a_model_states_its_pixels(digits: Splits, folder: Path) -> None:
    assert origin(folder / "trained.keras", digits) == "0..1, as recorded"
    assert "measured" in origin(folder / "other.keras", digits)


@pytest.mark.long
@pytest.mark.parametrize("is_older", [False, True], ids=["with digest", "older"])
@pytest.mark.parametrize("kind", ["own", "other weights", "other network", "other file"])
def test_a_record_of_another_model_is_not_believed(
    digits: Splits, folder: Path, tmp_path: Path, kind: str, is_older: bool
) -> None:
    import keras

    path = tmp_path / "mine.keras"
    record = json.loads((folder / "trained.json").read_text())
    if is_older:
        del record["model_sha256"]
    if kind == "other network":
        layers = [keras.Input((28, 28, 1)), keras.layers.Rescaling(1 / 255), keras.layers.Flatten()]
        keras.Sequential([*layers, keras.layers.Dense(10, activation="softmax")]).save(path)
    else:
        shutil.copy(folder / ("other.keras" if kind == "other weights" else "trained.keras"), path)
    if kind == "other file":
        record = {"architecture": ["linear"], "pixel_range": ["0..1"], "model_sha256": record.get("model_sha256")}
    path.with_suffix(".json").write_text(json.dumps(record))
    # An older record cannot tell two models of one architecture apart.
    is_believed = kind == "own" or (kind == "other weights" and is_older)
    assert ("as recorded" in origin(path, digits)) == is_believed
    assert bool(read_record(path)) == (is_older or kind in ("own", "other file"))

import errno
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from mnist_trainer import ModelError, OutputError, UsageError
from mnist_trainer.training.checkpoint import Checkpoint

GENERATOR = np.random.default_rng(0)
CHECKPOINT = Checkpoint(
    run={"seed": 1, "recipe": {"epochs": 12, "augmentation": None}},
    history={"loss": [0.1 + 0.2, 1 / 3]},
    seconds=1.5,
    model=[GENERATOR.random((3, number + 1), np.float32) for number in range(12)],  # names with two digits
    optimizer=[np.array(7), GENERATOR.random(4, np.float32)],
    best=[],
    ema=[GENERATOR.random((2, 2))],
)


def test_a_loaded_checkpoint_equals_the_saved_one(tmp_path: Path) -> None:
    CHECKPOINT.save(tmp_path / "run.checkpoint")
    loaded = Checkpoint.load(tmp_path / "run.checkpoint")
    assert (loaded.run, loaded.history, loaded.seconds) == (CHECKPOINT.run, CHECKPOINT.history, 1.5)
    for name in ("model", "optimizer", "best", "ema"):
        pairs = zip(getattr(loaded, name), getattr(CHECKPOINT, name), strict=True)
        assert all(a.dtype == b.dtype and np.array_equal(a, b) for a, b in pairs)
    assert [path.name for path in tmp_path.iterdir()] == ["run.checkpoint"]


@pytest.mark.parametrize("damage", ["cut", "changed", "empty", "another archive"])
def test_a_damaged_checkpoint_is_reported(tmp_path: Path, damage: str) -> None:
    path = tmp_path / "run.checkpoint"
    CHECKPOINT.save(path)
    whole = path.read_bytes()
    middle = whole.index(CHECKPOINT.model[5].tobytes()) + 9
    if damage == "another archive":
        with path.open("wb") as file:
            np.savez(file, images=np.zeros(3))
    else:
        changed = whole[:middle] + bytes([whole[middle] ^ 1]) + whole[middle + 1 :]
        path.write_bytes({"cut": whole[:-100], "changed": changed, "empty": b""}[damage])
    with pytest.raises(ModelError, match="train from the start") as caught:
        Checkpoint.load(path)
    assert caught.value.exit_code == 5


def test_a_training_with_other_options_is_rejected_with_the_differences() -> None:
    CHECKPOINT.check_same_run(CHECKPOINT.run)
    with pytest.raises(UsageError, match=r"seed is 2 here, but 1 in the checkpoint\."):
        CHECKPOINT.check_same_run(CHECKPOINT.run | {"seed": 2})
    recipe = {"epochs": 13, "augmentation": {"degrees": 5}}
    with pytest.raises(UsageError) as caught:
        CHECKPOINT.check_same_run({"seed": 1, "recipe": recipe, "dataset_sha256": {"train": "a"}})
    assert str(caught.value) == (
        "The checkpoint is of another training: epochs is 13 here, but 12 in the checkpoint; augmentation is set here, "
        "but not set in the checkpoint; dataset content is not the same. Give the same options and data as then, or "
        "leave out --resume to train from the start."
    )


def test_each_kind_of_difference_is_named_and_no_digest_is_shown() -> None:
    run = {
        "dataset": "mine",
        "dataset_sha256": {"train": "1f", "test": "2f"},
        "seen": {"sets": ["mnist"], "images": "Ln0sA6lQ" * 1000},
        "recipe": {"peak_learning_rate": 0.1 + 0.2, "weight_decay": 1 / 3},
        "tools": {"numpy": "1.26.4"},
    }
    saved = replace(CHECKPOINT, run=run | {"base": {"name": "cnn"}})
    saved.check_same_run(saved.run)
    changed = {
        "dataset": "yours",
        "dataset_sha256": {"train": "3f", "test": "2f"},
        "seen": {"sets": ["mnist"], "images": "PiPoFgA5" * 1000},
        "recipe": {"peak_learning_rate": 0.5, "weight_decay": 1 / 3},
        "tools": {"numpy": "2.1.0"},
    }
    with pytest.raises(UsageError) as caught:
        saved.check_same_run(changed)
    assert str(caught.value).split(": ", 1)[1].split(". Give the same")[0].split("; ") == [
        "data is yours here, but mine in the checkpoint",
        "dataset content: train is not the same",
        "seen: images is not the same",
        "learning rate is 0.5 here, but 0.30000000000000004 in the checkpoint",
        "numpy is 2.1.0 here, but 1.26.4 in the checkpoint",
        "base is not set here, but set in the checkpoint",
    ]


def test_the_earlier_checkpoint_stays_if_the_disk_is_full(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "run.checkpoint"
    CHECKPOINT.save(path)
    before = path.read_bytes()

    def fail(_: int) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr("os.fsync", fail)
    with pytest.raises(OutputError, match="No space left on device"):
        replace(CHECKPOINT, seconds=9.0).save(path)
    assert path.read_bytes() == before
    assert [path.name for path in tmp_path.iterdir()] == ["run.checkpoint"]

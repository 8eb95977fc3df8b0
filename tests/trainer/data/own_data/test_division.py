import json
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mnist_trainer import Dataset, find_model
from mnist_trainer.data.dataset import hold_out
from mnist_trainer.data.own_data.division import divide
from mnist_trainer.data.records import sets_seen_by


@settings(max_examples=30)
@given(st.integers(30, 120), st.integers(1, 4), st.booleans())
def test_copies_stay_together_and_no_image_is_lost(count: int, copies: int, is_for_training: bool) -> None:
    kinds = np.arange(count, dtype=np.uint8)
    images = np.tile(kinds, copies)[:, None, None] * np.ones((28, 28), np.uint8)
    labels = np.tile(kinds % 10, copies)
    splits = divide(Dataset("mine", "all", "here", images, labels), None if is_for_training else {"other"})
    train, test = ({*split.images[:, 0, 0].tolist()} for split in splits)
    assert not train & test
    assert len(train | test) == count
    assert len(splits.train) + len(splits.test) == len(images)
    smaller = splits.test if is_for_training else splits.train
    assert len(smaller) // copies == max(10, round(count * 0.2) if is_for_training else count - round(count * 0.8))


@pytest.mark.parametrize("is_for_training", [True, False])
def test_the_only_image_of_a_class_is_in_the_larger_part(is_for_training: bool) -> None:
    images = np.arange(41, dtype=np.uint8)[:, None, None] * np.ones((28, 28), np.uint8)
    labels = np.append(np.arange(40) % 9, 9).astype(np.uint8)
    images[1:10:9] = images[1]  # with a copy, class 1 still has others
    splits = divide(Dataset("mine", "all", "here", images, labels), None if is_for_training else {"other"})
    larger, smaller = splits if is_for_training else (splits.test, splits.train)
    assert (larger.labels == 9).sum() == 1
    assert set(smaller.labels.tolist()) == set(range(9))
    assert len(larger) + len(smaller) == 41
    # The single image is not validated on either.
    rest, held = hold_out(larger, 10, 0, ("train", "validation"))
    assert (9 in rest.labels, 9 in held.labels, len(held)) == (True, False, 10)


def test_the_sets_that_a_model_has_seen_are_read_from_its_record(tmp_path: Path) -> None:
    record = find_model("linear").record
    assert sets_seen_by([find_model("linear").path]) == {"mnist", *record["dataset_sha256"].values()}
    for content in ("{", "[]", "[" * 100_000, json.dumps({"dataset_sha256": 3})):
        (tmp_path / "mine.json").write_text(content)
        assert sets_seen_by([tmp_path / "mine.keras"]) == {"None"}
    assert sets_seen_by([tmp_path / "other.keras"]) == {"None"}

import json
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mnist_trainer import DataError, Dataset, find_model
from mnist_trainer.data.dataset import hold_out
from mnist_trainer.data.own_data.division import divide
from mnist_trainer.data.records import image_digest, seen_facts, sets_seen_by


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


def grown(count: int, first: int = 0) -> Dataset:
    """Return `count` different images of ten classes, beginning with the one of number `first`."""
    numbers = np.arange(first, first + count)
    images = np.zeros((count, 28, 28), np.uint8)
    images[:, 0, 0] = numbers
    return Dataset(f"mine-{count}", "all", "here", images, (numbers % 10).astype(np.uint8))


def digests(data: Dataset) -> set[str]:
    return {image_digest(image.tobytes()) for image in data.images}


@settings(max_examples=20)
@given(st.integers(20, 120), st.integers(0, 100))
def test_no_image_that_a_model_was_trained_on_is_tested(count: int, more: int) -> None:
    first = divide(grown(count))
    seen = digests(first.train)
    # The folder has grown and has another name: to test the model, and to tune it.
    for splits in (divide(grown(count + more), seen), divide(grown(count + more), base=seen)):
        assert not digests(splits.test) & seen
        assert len(splits.train) + len(splits.test) == count + more
        assert set(splits.test.labels.tolist()) == set(range(10))
    again = divide(grown(count), seen)
    assert [split.sha256 for split in again] == [split.sha256 for split in first], "what was held out is tested"
    # After a second training, too.
    second = divide(grown(count + more), base=seen)
    both = seen | digests(second.train)
    assert not digests(divide(grown(count + more), both).test) & both


def test_a_model_that_was_trained_on_all_images_is_tested_on_some() -> None:
    whole = grown(100)
    assert [len(split) for split in divide(whole, digests(whole))] == [20, 80]
    assert [len(split) for split in divide(whole, base=digests(whole))] == [80, 20]


def test_a_set_is_divided_as_for_training_if_its_name_or_a_part_was_seen() -> None:
    trained = divide(grown(100))
    for seen in ("mine-100", trained.train.sha256, trained.test.sha256):
        assert [split.sha256 for split in divide(grown(100), {seen})] == [split.sha256 for split in trained]


def test_all_new_images_of_a_folder_that_has_grown_are_tested() -> None:
    seen = {"mine-130", *digests(divide(grown(100)).train)}
    assert [len(split) for split in divide(grown(130), seen)] == [80, 50]


@pytest.mark.parametrize(("count", "words"), [(19, "19 different images of 10 digits are too few"), (20, "")])
def test_two_different_images_of_each_class_are_enough(count: int, words: str) -> None:
    if not words:
        assert [len(split) for split in divide(grown(count))] == [10, 10]
        return
    with pytest.raises(DataError, match=words):
        divide(grown(count))


def test_other_images_are_divided_as_if_nothing_was_seen() -> None:
    seen = {"other", *digests(grown(100, first=120))}
    assert [split.sha256 for split in divide(grown(100), seen)] == [
        split.sha256 for split in divide(grown(100), {"other"})
    ]


def test_the_record_of_a_tuned_model_has_what_was_seen_before(tmp_path: Path) -> None:
    (tmp_path / "base.json").write_text(json.dumps({"dataset": "a", "seen": seen_facts([b"1", b"2"])}))
    before = sets_seen_by([tmp_path / "base.keras"])
    assert before == {"a", image_digest(b"1"), image_digest(b"2")}
    (tmp_path / "tuned.json").write_text(json.dumps({"dataset": "b", "seen": seen_facts([b"3"], before)}))
    assert sets_seen_by([tmp_path / "tuned.keras"]) == {"b", *before, image_digest(b"3")}


def test_a_model_without_a_record_adds_nothing_to_what_was_seen(tmp_path: Path) -> None:
    before = sets_seen_by([tmp_path / "other.keras"])
    assert seen_facts([b"1"], before) == seen_facts([b"1"])
    assert seen_facts([b"1"], before)["sets"] == []


def test_a_record_has_a_bounded_number_of_images(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("mnist_trainer.data.records.MOST_IMAGES", 3)
    assert (
        seen_facts([bytes([number]) for number in range(5)])["images"]
        == seen_facts(sorted((bytes([number]) for number in range(5)), key=image_digest)[:3])["images"]
    )


def test_a_record_that_is_too_large_is_not_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    content = json.dumps({"dataset": "a"})
    (tmp_path / "mine.json").write_text(content)
    for largest, seen in ((len(content), "a"), (len(content) - 1, "None")):
        monkeypatch.setattr("mnist_trainer.data.records.LARGEST_RECORD", largest)
        assert sets_seen_by([tmp_path / "mine.keras"]) == {seen}


@pytest.mark.parametrize(
    "facts", [3, {}, {"sets": 3, "images": ""}, {"sets": [], "images": "?Ln0sA6lQ"}, {"images": []}]
)
def test_a_record_with_another_form_says_nothing(facts: object, tmp_path: Path) -> None:
    (tmp_path / "mine.json").write_text(json.dumps({"dataset": "a", "seen": facts}))
    assert sets_seen_by([tmp_path / "mine.keras"]) == {"a"}

"""The record beside a model is its own, or none."""

import hashlib
import json
from pathlib import Path

import pytest

from mnist_trainer.data.records import read_record, rejects_non_digits


def test_a_record_is_that_of_one_keras_file_and_of_what_was_made_from_it(tmp_path: Path) -> None:
    (tmp_path / "mine.keras").write_bytes(b"model")
    (tmp_path / "mine.tflite").write_bytes(b"made from it")
    for content, is_own in ((b"model", True), (b"another", False)):
        record = {"dataset": "a", "model_sha256": hashlib.sha256(content).hexdigest()}
        (tmp_path / "mine.json").write_text(json.dumps(record))
        assert read_record(tmp_path / "mine.keras") == (record if is_own else {})
        assert read_record(tmp_path / "mine.tflite") == record


@pytest.mark.parametrize(
    ("record", "known"),
    [
        ({"recipe": {"non_digits": {"fraction": 0.1}}}, True),
        ({"recipe": {"non_digits": None}}, False),
        ({"recipe": {}}, False),
        ({"recipe": "none"}, None),
        ({}, None),
    ],
)
def test_the_recipe_says_whether_pictures_without_a_digit_trained(
    record: dict[str, object], known: bool | None, tmp_path: Path
) -> None:
    (tmp_path / "mine.json").write_text(json.dumps(record))
    assert rejects_non_digits(tmp_path / "mine.keras") is known

"""`Manifest` as JSON."""

import dataclasses
import json

import pytest

from mnist_runtime import ArtifactError, Manifest

MANIFEST = Manifest(
    name="cnn",
    format="tflite",
    precision="int8",
    labels=tuple("0123456789"),
    scores="softmax",
    input={"dtype": "uint8", "shape": [None, 28, 28, 1]},
    output={"dtype": "uint8", "shape": [None, 10]},
    preparation={"box": 20},
    source={"sha256": "00"},
    tools={"numpy": "1.26.4"},
    golden={"backend": "litert", "version": "2.3.0", "machine": "x86_64"},
)


def test_a_manifest_survives_json() -> None:
    assert Manifest.from_json(MANIFEST.to_json()) == MANIFEST


def test_unknown_keys_are_ignored() -> None:
    facts = json.loads(MANIFEST.to_json()) | {"invented later": 0.5}
    assert Manifest.from_json(json.dumps(facts)) == MANIFEST


@pytest.mark.parametrize("text", ["", "[]", "7", "{}", '{"schema": 1}', '{"schema": 1, "labels": 3}', b"\xff"])
def test_other_text_raises_an_artifact_error(text: str | bytes) -> None:
    with pytest.raises(ArtifactError, match=r"The manifest|in the manifest"):
        Manifest.from_json(text)


def test_a_newer_schema_needs_an_update() -> None:
    with pytest.raises(ArtifactError, match="Update mnist-runtime"):
        Manifest.from_json(dataclasses.replace(MANIFEST, schema=3).to_json())


LOGITS = dataclasses.replace(MANIFEST, output=MANIFEST.output | {"activation": "sigmoid"}, schema=2)


def test_logits_need_a_schema_that_older_runtimes_reject() -> None:
    assert Manifest.from_json(LOGITS.to_json()) == LOGITS
    with pytest.raises(ArtifactError, match="schema 1, which knows no logits"):
        Manifest.from_json(dataclasses.replace(LOGITS, schema=1).to_json())


@pytest.mark.parametrize("facts", [{"tensor_shape": [1, 1, 28, 28]}, {"scale": 0.5, "offset": 127}], ids=str)
def test_another_input_needs_a_schema_that_older_runtimes_reject(facts: dict[str, object]) -> None:
    other = dataclasses.replace(MANIFEST, input=MANIFEST.input | facts, schema=2)
    assert Manifest.from_json(other.to_json()) == other
    with pytest.raises(ArtifactError, match="schema 1, which knows no such input"):
        Manifest.from_json(dataclasses.replace(other, schema=1).to_json())


def test_a_manifest_without_a_repair_is_that_of_a_plain_export() -> None:
    facts = json.loads(MANIFEST.to_json())
    del facts["repair"]
    assert Manifest.from_json(json.dumps(facts)) == MANIFEST

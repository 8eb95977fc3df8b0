"""`Manifest` as JSON."""

import dataclasses
import json
import math
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from mnist_runtime import ArtifactError, Manifest
from mnist_runtime.artifact.task import DIGITS, Task

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
    with pytest.raises(ArtifactError, match="schema 1, which does not allow logits"):
        Manifest.from_json(dataclasses.replace(LOGITS, schema=1).to_json())


@pytest.mark.parametrize("activation", ["relu", "", None, ["sigmoid"]])
def test_an_activation_that_the_runtime_lacks_is_rejected(activation: object) -> None:
    other = dataclasses.replace(LOGITS, output=LOGITS.output | {"activation": activation})
    with pytest.raises(ArtifactError, match=r"'output' in the manifest is .* activation sigmoid or softmax"):
        Manifest.from_json(other.to_json())


@pytest.mark.parametrize("facts", [{"tensor_shape": [1, 1, 28, 28]}, {"scale": 0.5, "offset": 127}], ids=str)
def test_another_input_needs_a_schema_that_older_runtimes_reject(facts: dict[str, object]) -> None:
    other = dataclasses.replace(MANIFEST, input=MANIFEST.input | facts, schema=2)
    assert Manifest.from_json(other.to_json()) == other
    with pytest.raises(ArtifactError, match="schema 1, which does not allow this kind of input"):
        Manifest.from_json(dataclasses.replace(other, schema=1).to_json())


@pytest.mark.parametrize("tensor", [[None, 785], [1, 28, 27], [None, 28, 28, 3], [2, 28, 28, 1]])
def test_a_tensor_that_does_not_hold_a_digit_is_rejected(tensor: list[int | None]) -> None:
    other = dataclasses.replace(MANIFEST, input=MANIFEST.input | {"tensor_shape": tensor}, schema=2)
    with pytest.raises(ArtifactError, match=r"does not hold an image \(28, 28, 1\)|'input' in the manifest is"):
        Manifest.from_json(other.to_json())


@pytest.mark.parametrize(("dtype", "lowest"), [("int8", -129), ("uint8", -1)])
def test_a_scaled_pixel_may_be_one_step_beyond_an_integer_type(dtype: str, lowest: int) -> None:
    """The ranges are measured, so both ends can be a little too wide."""
    facts = {"dtype": dtype, "shape": [None, 28, 28, 1], "scale": 257 / 255, "offset": lowest}
    other = dataclasses.replace(MANIFEST, input=facts, schema=2)
    assert Manifest.from_json(other.to_json()) == other
    for wrong in ({"offset": lowest - 0.5}, {"scale": 257.5 / 255}):
        with pytest.raises(ArtifactError, match="'input' in the manifest is"):
            Manifest.from_json(dataclasses.replace(other, input=facts | wrong).to_json())


def test_a_manifest_without_a_repair_is_that_of_a_plain_export() -> None:
    facts = json.loads(MANIFEST.to_json())
    del facts["repair"]
    assert Manifest.from_json(json.dumps(facts)) == MANIFEST


METER = dataclasses.replace(
    MANIFEST,
    labels=(*"0123456789", "N"),
    input={"dtype": "uint8", "shape": [None, 32, 20, 3]},
    output={"dtype": "uint8", "shape": [None, 11]},
    preparation={"kind": "plain"},
    schema=2,
)


def test_files_of_today_are_for_digits() -> None:
    assert MANIFEST.task == DIGITS
    assert MANIFEST.tensor_shape == (28, 28, 1)
    without = dataclasses.replace(MANIFEST, input={"dtype": "uint8"})
    assert Manifest.from_json(without.to_json()).task == DIGITS


def test_a_manifest_has_the_task_of_its_file() -> None:
    assert Manifest.from_json(METER.to_json()) == METER
    assert METER.task == Task(32, 20, 3, METER.labels, "plain")
    assert METER.tensor_shape == (32, 20, 3)


@pytest.mark.parametrize(
    "change",
    [
        {"input": METER.input},
        {"labels": METER.labels},
        {"labels": tuple("9876543210")},
        {"preparation": METER.preparation},
    ],
    ids=lambda change: next(iter(change)),
)
def test_another_task_needs_a_schema_that_older_runtimes_reject(change: dict[str, Any]) -> None:
    plain = {"preparation": METER.preparation} if "input" in change else {}
    other = dataclasses.replace(MANIFEST, **plain, **change, schema=2)
    assert Manifest.from_json(other.to_json()).task != DIGITS
    with pytest.raises(ArtifactError, match="schema 1, which does not allow other images or labels than MNIST's"):
        Manifest.from_json(dataclasses.replace(other, schema=1).to_json())


@pytest.mark.parametrize("side", [7, 129, 0, -32, 10**9, 10**400, 32.0, True, None, "32", [32]], ids=repr)
@pytest.mark.parametrize("axis", [1, 2, 3])
def test_a_shape_outside_the_bounds_is_rejected(side: object, axis: int) -> None:
    shape = [None, 32, 20, 3]
    shape[axis] = side  # type: ignore[call-overload]
    facts = json.loads(METER.to_json()) | {"input": {"dtype": "uint8", "shape": shape}}
    with pytest.raises(
        ArtifactError, match=r"'input' in the manifest is|The manifest cannot be used: images"
    ) as caught:
        Manifest.from_json(json.dumps(facts))
    assert len(str(caught.value)) < 250


@pytest.mark.parametrize("shape", [[], [32, 20, 3], [1, 32, 20, 3], [None, 32, 20], [None, 32, 20, 3, 1], "32x20", {}])
def test_a_shape_of_other_axes_is_rejected(shape: object) -> None:
    facts = json.loads(METER.to_json()) | {"input": {"dtype": "uint8", "shape": shape}}
    with pytest.raises(ArtifactError, match="'input' in the manifest is"):
        Manifest.from_json(json.dumps(facts))


@pytest.mark.parametrize("kind", ["wavelets", None, 7, ["plain"], "x" * 1000])
def test_another_preparation_needs_an_update(kind: object) -> None:
    facts = json.loads(METER.to_json()) | {"preparation": {"kind": kind}}
    with pytest.raises(ArtifactError, match=r"has the preparation .*Update mnist-runtime") as caught:
        Manifest.from_json(json.dumps(facts))
    assert len(str(caught.value)) < 200


@pytest.mark.parametrize("tensor", [[None, 3, 32, 20], [None, 32, 20, 3], [1, 1920]])
def test_colors_come_first_or_last(tensor: list[int | None]) -> None:
    other = dataclasses.replace(METER, input=METER.input | {"tensor_shape": tensor})
    assert Manifest.from_json(other.to_json()).tensor_shape == tuple(tensor[1:])


@pytest.mark.parametrize("tensor", [[None, 32, 3, 20], [None, 20, 32, 3], [None, 640, 3], [None, 1921], [None, 784]])
def test_a_tensor_in_which_the_colors_have_no_known_place_is_rejected(tensor: list[int | None]) -> None:
    other = dataclasses.replace(METER, input=METER.input | {"tensor_shape": tensor})
    with pytest.raises(ArtifactError, match=r"a tensor \(.*\) does not hold an image \(32, 20, 3\)"):
        Manifest.from_json(other.to_json())


SIZES = st.one_of(st.integers(7, 129), st.sampled_from([None, 0, 1, 3, -28, 28, 784, 10**20, 28.0, True, "28", []]))
LABELS = st.lists(st.one_of(st.text(max_size=2), st.sampled_from(["a", "b", "7", None, 7])), max_size=4)
FACTS = json.loads(MANIFEST.to_json())


@given(
    shape=st.lists(SIZES, min_size=3, max_size=5),
    tensor=st.one_of(st.none(), st.lists(SIZES, max_size=5)),
    labels=LABELS,
    preparation=st.sampled_from([{}, *({"kind": kind} for kind in ("mnist", "plain", None, 7, [], {}))]),
    schema=st.sampled_from([1, 2]),
)
@example(shape=[None, 32, 20, 3], tensor=[None, 3, 32, 20], labels=["a", "b"], preparation={"kind": "plain"}, schema=2)
def test_any_task_is_accepted_as_a_whole_or_rejected(
    shape: list[Any], tensor: list[Any] | None, labels: list[Any], preparation: dict[str, Any], schema: int
) -> None:
    facts = {"dtype": "uint8", "shape": shape} | ({} if tensor is None else {"tensor_shape": tensor})
    changes = {"input": facts, "labels": labels, "preparation": preparation, "schema": schema}
    reason, manifest = "", MANIFEST
    try:
        manifest = Manifest.from_json(json.dumps(FACTS | changes))
    except ArtifactError as error:
        reason = str(error)
    assert reason.isprintable()
    assert len(reason) < 250
    if not reason:
        task = manifest.task
        assert shape == [None, *task.tensor_shape]
        assert task.labels == tuple(labels)
        assert math.prod(manifest.tensor_shape) == task.pixels
        assert task == DIGITS or schema == 2


@pytest.mark.parametrize("text", ["\x1b[31m", "line\nerror: forged", "\x9b", "\u202e", "\ud800"], ids=ascii)
@pytest.mark.parametrize("field", ["source", "tools", "golden", "input", "parity"])
def test_control_characters_are_rejected_wherever_they_are(field: str, text: str) -> None:
    for inner in ({text: 1}, {"deep": [1, {"deeper": text}]}):
        facts = json.loads(MANIFEST.to_json()) | {field: inner}
        with pytest.raises(ArtifactError, match=r"has control characters in a text|in the manifest is") as caught:
            Manifest.from_json(json.dumps(facts))
        assert str(caught.value).isprintable()

"""The functions of the package do what the commands do."""

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from mnist_exporters import (
    TARGETS,
    CalibrationError,
    ExportSpec,
    OutputError,
    Precision,
    RefusedError,
    UsageError,
    compare,
    export_model,
    open_session,
    verify,
)
from mnist_runtime import Artifact, ArtifactError
from mnist_trainer import DataError, Splits, find_model, load_model


@pytest.mark.slow
def test_export_model_makes_the_same_file_as_the_command(here: Callable[..., object], tmp_path: Path) -> None:
    report = export_model("linear", tmp_path / "new" / "function.tflite", precision="w8a8", data="digits")
    done = here("mnist-export", "linear", "--quantize", "--data", "digits", "--output", tmp_path / "command.tflite")
    assert done.returncode == 0, done.stderr
    assert report.path == tmp_path / "new" / "function.tflite"
    assert report.path.read_bytes() == (tmp_path / "command.tflite").read_bytes()


@pytest.mark.long
def test_model_and_data_can_be_objects_in_memory(digits: Splits, tmp_path: Path) -> None:
    model = load_model("linear")
    report = export_model(model, tmp_path / "mine.onnx", "float32", digits)
    manifest = Artifact.open(report.path).manifest
    assert (manifest.name, manifest.source["sha256"]) == (model.name, "")
    assert verify(report.path, model, digits).parity == report.parity
    assert not verify(report.path, "linear", digits).same_original


def test_model_can_be_a_path_and_the_destination_a_folder(digits: Splits, tmp_path: Path) -> None:
    path = tmp_path / "mine.keras"
    path.write_bytes(find_model("linear").path.read_bytes())
    report = export_model(path, tmp_path / "out", "float16", digits, format="onnx")
    assert report.path == tmp_path / "out" / "mine-float16.onnx"


@pytest.mark.long
def test_every_option_reaches_the_file(digits: Splits, tmp_path: Path) -> None:
    report = export_model(
        "linear",
        str(tmp_path / "all.tflite"),
        Precision.INT8,
        digits,
        input_dtype="int8",
        output_dtype="float32",
        max_accuracy_drop=0.02,
        target="pi-4",
        pixel_range="0..1",
        calibration_samples=120,
        seed=3,
    )
    manifest = Artifact.open(report.path).manifest
    assert (report.input_dtype, report.output_dtype, report.parity.tolerance) == ("int8", "float32", 0.02)
    assert manifest.calibration == {**manifest.calibration, "images": 120, "seed": 3}


@pytest.mark.long
def test_refused_export_raises_and_writes_no_file(
    digits: Splits, shuffle_weights: Callable[[str], None], tmp_path: Path
) -> None:
    shuffle_weights("onnx")
    with pytest.raises(RefusedError) as caught:
        export_model("linear", tmp_path / "new" / "broken.onnx", "int8", digits)
    assert not caught.value.report.parity.passed
    assert list(tmp_path.iterdir()) == []
    assert "earlier export" not in str(caught.value)


@pytest.mark.long
@pytest.mark.parametrize("repair", [True, False])
def test_refused_export_says_that_a_file_of_its_name_is_an_older_one(
    digits: Splits, shuffle_weights: Callable[[str], None], tmp_path: Path, repair: bool
) -> None:
    older = export_model("linear", tmp_path / "linear.onnx", "int8", digits).path
    content = older.read_bytes()
    shuffle_weights("onnx")
    with pytest.raises(RefusedError) as caught:
        export_model("linear", older, "int8", digits, repair=repair)
    assert str(caught.value).endswith(f"The file {older} is from an earlier export.")
    assert older.read_bytes() == content


@pytest.mark.parametrize(
    ("destination", "settings", "message"),
    [
        ("model.bin", {}, "model.bin"),
        ("model.onnx", {"format": "tflite"}, "not a name for a tflite file"),
        ("model.onnx", {"target": "pi-7"}, "There is no target 'pi-7'"),
        ("model.onnx", {"target": TARGETS["pi-zero"]}, "Raspberry Pi Zero"),
        ("model.onnx", {"precision": "int4"}, "onnx files cannot have precision int4.* float32, float16, dynamic"),
        ("model.onnx", {"model": "resnet"}, "resnet"),
        ("folder.onnx/model.onnx", {}, "output folder"),
    ],
)
def test_wrong_argument_is_an_error_before_any_work(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, destination: str, settings: dict[str, object], message: str
) -> None:
    (tmp_path / "folder.onnx").touch()
    monkeypatch.setattr("mnist_exporters.api.load_data", lambda _: pytest.fail("work was begun"))
    with pytest.raises(UsageError, match=message):
        export_model(**{"model": "linear", "destination": tmp_path / destination, **settings})


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"model": None}, r"The model is None\. Give the name of a ready model, the path"),
        ({"data": None}, r"The data is None\. Give .*: data=\(\(x_train, y_train\), \(x_test, y_test\)\)"),
        ({"data": (np.zeros((2, 28, 28)), np.zeros(2))}, "The data is of type tuple"),
        ({"data": {}}, "The data is of type dict"),
        ({"seed": -1}, "seed is -1, but must be a whole number of at least 0"),
        ({"seed": None}, "seed is None"),
        ({"calibration_samples": 2.5}, r"calibration_samples is 2\.5, but must be a whole number"),
        ({"max_accuracy_drop": "0.01"}, r"accuracy drop is '0\.01', but must be a fraction"),
        ({"expect_accuracy": "0.9"}, r"expected accuracy is '0\.9', but must be above 0"),
        ({"pixel_range": [0, 1]}, r'pixel_range is \[0, 1\], but must be text, such as "0\.\.1"'),
        ({"destination": 3}, "destination is 3, but must be the path of a file or folder"),
        ({"calibration_samples": True}, "calibration_samples is True, but must be a whole number"),
        ({"stated": {"labels": "01"}}, r"stated is \{'labels': '01'\}, but must be a StatedTask"),
        ({"trust": "no"}, "trust is 'no', but must be True or False"),
        ({"golden_from_data": None}, "golden_from_data is None, but must be True or False"),
        ({"repair": "none"}, "repair is 'none', but must be True or False"),
        ({"target": 3}, "There is no target 3. Choose one of: pi-zero"),
        ({"target": []}, r"There is no target \[\]"),
        ({"package": []}, r"There is no package \[\]"),
        ({"package": {"kind": "arduino"}}, "There is no package {'kind': 'arduino'}"),
        ({"precision": [8]}, r"There is no precision \[8\]"),
        ({"format": 3}, "There is no format 3"),
        ({"input_dtype": 3}, "cannot have 3 input"),
    ],
)
def test_argument_of_another_type_is_a_usage_error_and_leaves_nothing(
    digits: Splits, tmp_path: Path, settings: dict[str, object], message: str
) -> None:
    arguments = {"model": "linear", "destination": tmp_path / "new" / "folder", "data": digits, **settings}
    with pytest.raises(UsageError, match=message):
        export_model(**arguments)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("name", ["stated", "trust", "pixel_range"])
def test_argument_of_another_type_is_a_usage_error_of_verify(digits: Splits, tmp_path: Path, name: str) -> None:
    (tmp_path / "mine.tflite").touch()
    with pytest.raises(UsageError, match=f"{name} is 3, but must be"):
        verify(tmp_path / "mine.tflite", "linear", digits, **{name: 3})


def test_no_empty_folder_is_left_of_an_export_without_data(tmp_path: Path) -> None:
    for below in ("new", "old/new"):
        (tmp_path / "old").mkdir(exist_ok=True)
        with pytest.raises(DataError):
            export_model("linear", tmp_path / below / "linear.onnx", data=str(tmp_path / "nowhere"))
        assert [path.name for path in tmp_path.rglob("*")] == ["old"]


def test_data_can_be_arrays_as_keras_returns_them_or_a_tuple_of_splits(digits: Splits) -> None:
    arrays = tuple((part.images, part.labels.astype(np.int64)) for part in digits)
    sessions = [open_session("linear", data) for data in (arrays, [list(part) for part in arrays], tuple(digits))]
    for session in sessions:
        assert np.array_equal(session.test.images, digits.test.images)
        assert session.test.labels.dtype == np.uint8
        assert session.test.task == digits.test.task
    with pytest.raises(DataError, match="x_test, y_test: There are 1,500 images, but 3 labels"):
        open_session("linear", (arrays[0], (arrays[1][0], [1, 2, 3])))


def test_test_images_in_memory_without_labels_are_left_out(digits: Splits, capsys: pytest.CaptureFixture[str]) -> None:
    train, test = digits
    session = open_session("linear", ((train.images, train.labels), (test.images, None)))
    assert [len(part.images) for part in (session.train, session.test)] == [59, 238]
    assert "note: x_test has no labels and is not read\n" in capsys.readouterr().err


def test_nothing_to_compare_is_a_usage_error(digits: Splits, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="There are no exports to compare"):
        compare(open_session("linear", digits), [], tmp_path)


@pytest.mark.parametrize("samples", [0, -1, 298])
def test_number_of_calibration_images_must_be_possible(digits: Splits, samples: int) -> None:
    with pytest.raises(CalibrationError, match=f"Cannot draw {samples} calibration images"):
        open_session("linear", digits, calibration_samples=samples)


@pytest.mark.long
def test_model_is_looked_up_once_for_several_exports(
    monkeypatch: pytest.MonkeyPatch, digits: Splits, tmp_path: Path
) -> None:
    found = []
    monkeypatch.setattr("mnist_exporters.sources.find_source", lambda model: found.append(model) or find_model(model))
    session = open_session("linear", digits)
    for precision in ("float32", "float16"):
        session.export(ExportSpec("onnx", precision), tmp_path / f"{precision}.onnx")
    assert found == ["linear"]


def test_file_to_verify_must_exist(tmp_path: Path) -> None:
    with pytest.raises(ArtifactError, match="no model file"):
        verify(tmp_path / "missing.tflite", "linear", "digits")


@pytest.mark.long
def test_full_disk_is_an_output_error(monkeypatch: pytest.MonkeyPatch, digits: Splits, tmp_path: Path) -> None:
    def fail(_: int) -> None:
        raise OSError(28, "No space left on device")

    session = open_session("linear", digits)
    monkeypatch.setattr("os.fsync", fail)
    with pytest.raises(OutputError, match="No space left on device"):
        session.export(ExportSpec("onnx", "float32"), tmp_path / "model.onnx")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("record", "known"),
    [
        ({"recipe": {"non_digits": {"fraction": 0.1}}}, True),
        ({"recipe": {"non_digits": None}}, False),
        ({"recipe": "none"}, None),
        (None, None),
    ],
)
def test_the_record_beside_a_model_says_whether_it_saw_pictures_without_a_digit(
    digits: Splits, tmp_path: Path, record: dict[str, object] | None, known: bool | None
) -> None:
    mine = tmp_path / "mine.keras"
    mine.write_bytes(find_model("linear").path.read_bytes())
    if record is not None:
        mine.with_suffix(".json").write_text(json.dumps(record))
    assert open_session(mine, digits, pixel_range="0..1").original.rejects_non_digits is known


@pytest.mark.long
def test_ready_models_say_it_and_models_in_memory_do_not(digits: Splits) -> None:
    found = {name: open_session(name, digits).original.rejects_non_digits for name in ("linear", "cnn")}
    assert found == {"linear": False, "cnn": True}
    assert open_session(load_model("linear"), digits, pixel_range="0..1").original.rejects_non_digits is None

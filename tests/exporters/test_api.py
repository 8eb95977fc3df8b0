"""The functions of the package do what the commands do."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from mnist_exporters import (
    TARGETS,
    CalibrationError,
    ExportSpec,
    OutputError,
    Precision,
    RefusedError,
    UsageError,
    export_model,
    open_session,
    verify,
)
from mnist_runtime import Artifact, ArtifactError
from mnist_trainer import Splits, find_model, load_model


@pytest.mark.slow
def test_export_model_makes_the_same_file_as_the_command(here: Callable[..., object], tmp_path: Path) -> None:
    report = export_model("linear", tmp_path / "new" / "function.tflite", precision="w8a8", data="digits")
    done = here("mnist-export", "linear", "--quantize", "--data", "digits", "--output", tmp_path / "command.tflite")
    assert done.returncode == 0, done.stderr
    assert report.path == tmp_path / "new" / "function.tflite"
    assert report.path.read_bytes() == (tmp_path / "command.tflite").read_bytes()


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


def test_refused_export_raises_and_writes_no_file(
    digits: Splits, shuffle_weights: Callable[[str], None], tmp_path: Path
) -> None:
    shuffle_weights("onnx")
    with pytest.raises(RefusedError) as caught:
        export_model("linear", tmp_path / "broken.onnx", "int8", digits)
    assert not caught.value.report.parity.passed
    assert list(tmp_path.iterdir()) == []


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


@pytest.mark.parametrize("samples", [0, -1, 298])
def test_number_of_calibration_images_must_be_possible(digits: Splits, samples: int) -> None:
    with pytest.raises(CalibrationError, match=f"Cannot draw {samples} calibration images"):
        open_session("linear", digits, calibration_samples=samples)


def test_model_is_looked_up_once_for_several_exports(
    monkeypatch: pytest.MonkeyPatch, digits: Splits, tmp_path: Path
) -> None:
    found = []
    monkeypatch.setattr("mnist_exporters.api.find_source", lambda model: found.append(model) or find_model(model))
    session = open_session("linear", digits)
    for precision in ("float32", "float16"):
        session.export(ExportSpec("onnx", precision), tmp_path / f"{precision}.onnx")
    assert found == ["linear"]


def test_file_to_verify_must_exist(tmp_path: Path) -> None:
    with pytest.raises(ArtifactError, match="no model file"):
        verify(tmp_path / "missing.tflite", "linear", "digits")


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


def test_ready_models_say_it_and_models_in_memory_do_not(digits: Splits) -> None:
    found = {name: open_session(name, digits).original.rejects_non_digits for name in ("linear", "cnn")}
    assert found == {"linear": False, "cnn": True}
    assert open_session(load_model("linear"), digits, pixel_range="0..1").original.rejects_non_digits is None

import dataclasses
from pathlib import Path

import numpy as np
import pytest
from tests.export_cases import EVERY_PAIR

from mnist_exporters import (
    FORMATS,
    Calibration,
    ConversionError,
    ExportSpec,
    MissingPackageError,
    Original,
    Precision,
    Reference,
    RefusedError,
    export,
)
from mnist_runtime import Artifact
from mnist_trainer import Splits


@pytest.fixture(scope="module")
def material(originals: dict[str, Original], digits: Splits, golden_images: np.ndarray) -> dict[str, object]:
    return {
        "reference": Reference.of(originals["mlp"], digits.test),
        "calibration": Calibration.draw(digits.train, 200, seed=0),
        "golden_images": golden_images,
    }


def refuse(original: Original, spec: ExportSpec, folder: Path, **material: object) -> RefusedError:
    """Export and expect a refusal that leaves the folder as it was."""
    before = {path: path.read_bytes() for path in folder.iterdir()}
    with pytest.raises(RefusedError) as caught:
        export(original, spec, folder / f"model{FORMATS[spec.format].suffix}", **material)
    assert {path: path.read_bytes() for path in folder.iterdir()} == before
    assert caught.value.exit_code == 3
    assert caught.value.report.path is None
    return caught.value


@pytest.mark.parametrize("format", FORMATS)
def test_a_calibration_of_zeros_is_refused(
    originals: dict[str, Original], material: dict[str, object], tmp_path: Path, format: str
) -> None:
    zeros = np.zeros((50, 28, 28), np.uint8)
    zeros[0, 0, 0] = 255
    broken = material | {"calibration": Calibration(zeros, "zeros", 0)}
    error = refuse(originals["mlp"], ExportSpec(format, Precision.INT8), tmp_path, **broken)
    assert error.report.parity.drop > 0.01


def shuffled_tflite(content: bytes, rng: np.random.Generator) -> bytes:
    """Permute the weights of the largest layer inside the bytes of a file."""
    from ai_edge_litert.interpreter import Interpreter

    interpreter = Interpreter(model_content=content)
    constant = []
    for tensor in interpreter.get_tensor_details():
        try:
            values = interpreter.get_tensor(tensor["index"])
        except ValueError:
            continue
        if values.tobytes() in content:
            constant.append(values)
    weights = max(constant, key=lambda values: values.nbytes)
    place = content.index(weights.tobytes())
    return content[:place] + rng.permutation(weights.ravel()).tobytes() + content[place + weights.nbytes :]


def shuffled_onnx(content: bytes, rng: np.random.Generator) -> bytes:
    import onnx

    model = onnx.load_from_string(content)
    largest = max(model.graph.initializer, key=lambda tensor: tensor.ByteSize())
    values = onnx.numpy_helper.to_array(largest)
    shuffled = rng.permutation(values.ravel()).reshape(values.shape)
    largest.CopyFrom(onnx.numpy_helper.from_array(shuffled, largest.name))
    return model.SerializeToString()


SHUFFLED = {"tflite": shuffled_tflite, "onnx": shuffled_onnx, "c": shuffled_tflite}


def break_after_conversion(monkeypatch: pytest.MonkeyPatch, format: str) -> None:
    from mnist_exporters.formats.plugin import load_plugin

    convert = load_plugin(format).convert
    rng = np.random.default_rng(0)

    def broken(*arguments: object) -> bytes:
        content = convert(*arguments)
        changed = SHUFFLED[format](content, rng)
        assert changed != content
        return changed

    monkeypatch.setattr(load_plugin(format), "convert", broken)


@pytest.mark.parametrize(("format", "precision"), EVERY_PAIR)
def test_weights_shuffled_after_conversion_are_refused(
    monkeypatch: pytest.MonkeyPatch,
    originals: dict[str, Original],
    material: dict[str, object],
    tmp_path: Path,
    format: str,
    precision: Precision,
) -> None:
    break_after_conversion(monkeypatch, format)
    (tmp_path / f"model{FORMATS[format].suffix}").write_bytes(b"what was there before")
    refuse(originals["mlp"], ExportSpec(format, precision), tmp_path, **material)


def test_a_stricter_tolerance_than_the_images_can_prove_is_refused(
    originals: dict[str, Original], material: dict[str, object], tmp_path: Path
) -> None:
    error = refuse(originals["mlp"], ExportSpec("onnx", Precision.FLOAT32, 0.0005), tmp_path, **material)
    assert "such images could prove it" in str(error)


def test_a_proven_file_replaces_what_was_there(
    originals: dict[str, Original], material: dict[str, object], tmp_path: Path
) -> None:
    path = tmp_path / "model.onnx"
    path.write_bytes(b"older")
    report = export(originals["mlp"], ExportSpec("onnx", Precision.FLOAT32), path, **material)
    assert [entry.name for entry in tmp_path.iterdir()] == ["model.onnx"]
    (tmp_path.parent / "ordinary").touch()
    assert path.stat().st_mode == (tmp_path.parent / "ordinary").stat().st_mode
    manifest = Artifact.open(path).manifest
    assert manifest.parity == report.parity.as_dict()
    assert manifest.source["parameters"] == originals["mlp"].model.count_params()
    assert manifest.tools["onnx"].startswith("1.")
    assert "REFUSED" not in str(report)


def test_a_file_that_does_not_repeat_itself_is_refused(
    monkeypatch: pytest.MonkeyPatch, originals: dict[str, Original], material: dict[str, object], tmp_path: Path
) -> None:
    from mnist_runtime import Classifier

    true_scores, calls = Classifier.scores, []

    def unsteady(self: Classifier, images: np.ndarray) -> np.ndarray:
        calls.append(1)
        return true_scores(self, images) + np.float32(1e-3 * (len(calls) > 2))

    monkeypatch.setattr(Classifier, "scores", unsteady)
    with pytest.raises(ConversionError, match="golden vectors"):
        export(originals["mlp"], ExportSpec("onnx", Precision.FLOAT32), tmp_path / "model.onnx", **material)
    assert list(tmp_path.iterdir()) == []


def test_a_missing_converter_names_its_cure(
    monkeypatch: pytest.MonkeyPatch, originals: dict[str, Original], material: dict[str, object], tmp_path: Path
) -> None:
    row = dataclasses.replace(FORMATS["onnx"], packages=("tf2onnx-of-another-world",))
    monkeypatch.setitem(FORMATS, "onnx", row)
    with pytest.raises(MissingPackageError, match="pip install tf2onnx-of-another-world") as caught:
        export(originals["mlp"], ExportSpec("onnx", Precision.FLOAT32), tmp_path / "model.onnx", **material)
    assert caught.value.exit_code == 4

"""Models for other images and classes than digits: every format and precision, proven and run by the runtime."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest
from PIL import Image
from tests.shared.export_cases import EACH_PAIR
from tests.shared.task_cases import METER, model_of, splits_of, templates, torch_like_of

from mnist_exporters import (
    Comparison,
    ExportReport,
    ExportSession,
    ExportSpec,
    ModelError,
    Parity,
    export_model,
    open_session,
    seal,
    verify,
)
from mnist_exporters.formats.plugin import load_plugin
from mnist_exporters.pipeline.existing_files.verify import verify as verify_file
from mnist_exporters.reports.candidate import Candidate
from mnist_exporters.reports.flips import confusion
from mnist_exporters.reports.html import html_report
from mnist_exporters.sources import stated_with
from mnist_runtime import Classifier, prepare, self_test
from mnist_runtime.artifact.task import Task
from mnist_runtime.preprocess.decode import read_picture

OTHERS = {
    "letters": Task(28, 28, 1, tuple("ABCDEFGHIJKLMNOPQRSTUVWXYZ")),
    "two": Task(9, 128, 1, ("on", "off")),
    "signs": Task(16, 16, 3, ('a "quote"', "back\\slash??/", "é", "*/", "3")),
}


@pytest.fixture(scope="module")
def meter() -> ExportSession:
    return open_session(model_of(METER), splits_of(METER))


@pytest.fixture(scope="module")
def exported(meter: ExportSession, tmp_path_factory: pytest.TempPathFactory) -> Callable[[str, str], ExportReport]:
    """Export the meter's model; each file is made once."""
    folder = tmp_path_factory.mktemp("meter")
    return cache(lambda format, precision: meter.export(ExportSpec(format, precision), folder))


@pytest.mark.long
@pytest.mark.parametrize(("format", "precision"), EACH_PAIR)
def test_a_meter_in_color_is_exported_in_every_format_and_precision(
    exported: Callable[[str, str], ExportReport], format: str, precision: str
) -> None:
    report = exported(format, precision)
    assert report.path is not None
    assert report.parity.accuracy_exported > 0.97
    device = load_plugin(format).load(report.path)
    assert device.manifest.task == METER
    assert device.manifest.schema == 2
    assert "rejects_non_digits" not in device.manifest.source
    assert device.manifest.preparation == {"kind": "plain"}
    assert device.manifest.input["shape"] == [None, 32, 20, 3]
    assert device.predict(templates(METER)).tolist() == [*range(11)]
    answers = device.predict(device.golden.images)
    assert len(set(answers.tolist())) >= 8


@pytest.mark.long
@pytest.mark.parametrize(
    "name", [pytest.param(name, marks=() if name == "signs" else pytest.mark.slow) for name in OTHERS]
)
def test_other_sizes_and_labels_are_exported_and_named(name: str, tmp_path: Path) -> None:
    task = OTHERS[name]
    session = open_session(model_of(task), splits_of(task))
    for format, precision in (("tflite", "int8"), ("onnx", "float32")):
        report = session.export(ExportSpec(format, precision), tmp_path)
        assert report.path is not None
        device = Classifier.load(report.path)
        assert device.manifest.task == task
        assert device.predict(templates(task)).tolist() == [*range(len(task.labels))]
        assert self_test(report.path).passed
    if name == "signs":
        _check_c_strings(session.export(ExportSpec("tflm", "int8"), tmp_path), task)


def _check_c_strings(report: ExportReport, task: Task) -> None:
    assert report.path is not None
    assert load_plugin("tflm").load(report.path).manifest.labels == task.labels
    source, header = report.path.with_suffix(".cc").read_text("ascii"), report.path.read_text("utf-8")
    assert r'{"a \"quote\"", "back\\slash\?\?/", "\303\251", "*/", "3"}' in source
    assert "_IMAGE_CHANNELS 3\n" in header
    assert "IMAGE_SIDE" not in header


def test_golden_images_are_patterns_unless_the_users_are_allowed(meter: ExportSession) -> None:
    shown = {image.tobytes() for part in (meter.train, meter.test) for image in part.images}
    assert not shown & {image.tobytes() for image in meter.golden_images}
    assert meter.golden_images.shape == (11, 32, 20, 3)
    session = ExportSession(meter.original, meter.train, meter.test, golden_from_data=True)
    assert {image.tobytes() for image in session.golden_images} <= shown
    assert sorted(meter.original.scores(session.golden_images).argmax(axis=1)) == [*range(11)]


@pytest.mark.long
def test_reports_name_the_classes(meter: ExportSession, exported: Callable[[str, str], ExportReport]) -> None:
    report = exported("onnx", "float32")
    scores = np.roll(meter.reference.scores, 1, axis=1)  # every answer changes
    report = dataclasses.replace(report, scores=scores)
    comparison = Comparison(meter.original, meter.reference, (Candidate(report, (), None),))
    page = html_report(comparison)
    assert '<th scope="col">N</th>' in page
    assert "class N, image 10" in page
    assert '<b class="bad">N → 0</b>' in page
    assert 'width="20" height="32"' in page
    assert comparison.as_dict()["dataset"]["labels"] == METER.labels
    assert comparison.as_dict()["artifacts"][0]["confusion"][10][0] > 100


def test_a_refusal_names_the_classes(meter: ExportSession) -> None:
    kept = meter.reference.labels != 10
    reference = dataclasses.replace(
        meter.reference,
        images=meter.reference.images[kept],
        labels=meter.reference.labels[kept],
        scores=meter.reference.scores[kept],
    )
    scores = reference.scores.copy()
    scores[:, 3] = 0
    reasons = " ".join(Parity.compare(reference, scores, 0.01).reasons)
    assert "no test images of the class N. Give some" in reasons
    assert "never answers 3, but" in reasons
    assert "Some classes lose more" in reasons
    assert "3 loses at least" in reasons


@pytest.mark.slow
def test_a_thousand_classes_are_exported(tmp_path: Path) -> None:
    task = Task(16, 16, 1, tuple(f"class {number}" for number in range(1000)))
    session = open_session(model_of(task), splits_of(task, 1000, 2000))
    report = session.export(ExportSpec("tflite", "int8"), tmp_path)
    assert report.path is not None
    device = Classifier.load(report.path)
    assert device.predict(templates(task)[777]).tolist() == [777]
    assert len(device.golden.images) == 16
    assert confusion(session.reference.labels, report.scores) == []


def test_verify_knows_the_classes(meter: ExportSession, exported: Callable[[str, str], ExportReport]) -> None:
    report = exported("onnx", "float32")
    assert report.path is not None
    assert meter.verify(report.path).parity == report.parity
    turned = dataclasses.replace(meter.reference, task=dataclasses.replace(METER, labels=METER.labels[::-1]))
    with pytest.raises(ModelError, match=r"labels 0, 1, .*, N, but the data has .*labels N, 9"):
        verify_file(report.path, turned, "")


@pytest.fixture(scope="module")
def torch_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("torch") / "meter.onnx"
    path.write_bytes(torch_like_of(METER).SerializeToString())
    return path


@pytest.mark.slow
def test_a_file_with_channels_first_is_sealed_and_runs(torch_file: Path, meter: ExportSession, tmp_path: Path) -> None:
    splits = (meter.train, meter.test)
    report = seal(torch_file, meter.original.model, tmp_path / "sealed.onnx", splits, max_accuracy_drop=0.01)
    assert report.path is not None
    device = Classifier.load(report.path)
    assert device.manifest.input["tensor_shape"] == [None, 3, 32, 20]
    assert device.manifest.task == METER
    assert device.predict(templates(METER)).tolist() == [*range(11)]
    assert verify(torch_file, meter.original.model, splits).parity.passed


@pytest.fixture(scope="module")
def pictures(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder of larger pictures for each class, some of them turned by a tag."""
    folder = tmp_path_factory.mktemp("data") / "wheels"
    part = splits_of(METER, 11, 220).test
    for number, (image, label) in enumerate(zip(part.images, part.labels, strict=True)):
        place = folder / METER.labels[label]
        place.mkdir(parents=True, exist_ok=True)
        picture, tags = Image.fromarray(image).resize((40, 64)), Image.Exif()
        if number % 3 == 0:
            picture, tags[0x0112] = picture.transpose(Image.Transpose.ROTATE_90), 6
        picture.save(place / f"{number}.png", exif=tags)
    return folder


@pytest.mark.slow
def test_commands_take_pictures_as_a_device_does(pictures: Path, here: Callable[..., Any], tmp_path: Path) -> None:
    model, made = tmp_path / "wheel.keras", tmp_path / "wheel.tflite"
    model_of(METER).save(model)
    given = ("--data", pictures, "--max-accuracy-drop", 0.1)
    done = here("mnist-export", model, *given, "--quantize", "--output", made, "--golden-from-data", "--json")
    assert done.returncode == 0, done.stderr
    original = json.loads(done.stdout)["original"]
    assert original["labels"] == list(METER.labels)
    assert (original["image_shape"], original["preparation"]) == ([32, 20, 3], "plain")
    device = Classifier.load(made)
    assert device.task == METER
    files = sorted(pictures.glob("*/*.png"))
    found = [device.classify(file) for file in files]
    right = [answer.labels[0] == file.parent.name for answer, file in zip(found, files, strict=True)]
    assert np.mean(right) > 0.97
    prepared = {prepare(read_picture(file), METER).tobytes() for file in files}
    assert {image.tobytes() for image in device.golden.images} <= prepared, "the proof saw what a device sees"
    numbered = tmp_path / "numbered.npz"
    data = splits_of(METER, 11, 440)
    for part, name in ((data.train, "train"), (data.test, "test")):
        arrays = {f"x_{name}": part.images, f"y_{name}": part.labels}
        np.savez(numbered, **(dict(np.load(numbered)) if numbered.exists() else {}), **arrays)
    checked = here("mnist-export", "verify", made, "--against", model, "--data", numbered, *given[2:])
    assert checked.returncode == 0, "the names of the classes come from the file"
    other = here("mnist-export", model, *given, "--labels", "N,9,8,7,6,5,4,3,2,1,0", "--output", tmp_path)
    assert other.returncode == 3, "labels in another order are other answers"
    assert "The labels seem to be in another order" in other.stderr
    assert here("mnist-export", model, *given, "--prepare", "mnist").returncode == 2


@pytest.mark.long
def test_the_size_of_images_comes_from_the_model(pictures: Path, torch_file: Path, tmp_path: Path) -> None:
    report = export_model(torch_file, tmp_path / "made.onnx", "int8", pictures, max_accuracy_drop=0.1)
    assert report.path is not None
    device = Classifier.load(report.path)
    assert device.task == METER
    assert device.predict(templates(METER)).tolist() == [*range(11)], "colors come first in the original"
    assert stated_with(model_of(METER), str(pictures), None).size == (32, 20)


def test_a_recorded_model_asks_for_its_images_before_it_is_loaded(tmp_path: Path) -> None:
    """The file has the first bytes of a model only, so loading it would end with another error."""
    (tmp_path / "meter.keras").write_bytes(b"PK\3\4 no model")
    task = dataclasses.asdict(METER)
    record = {"architecture": "mlp", "pixel_range": "0..1", "dataset": "wheels", "task": task}
    (tmp_path / "meter.json").write_text(json.dumps(record))
    with pytest.raises(ModelError, match=r"trained on the images of wheels, .* Give them with --data PATH\.$"):
        open_session(tmp_path / "meter.keras", "digits")


def test_gray_pictures_in_three_colors_are_color_images_for_a_model_of_such_in_memory_too(tmp_path: Path) -> None:
    gray = dataclasses.replace(METER, channels=1)
    mean = keras.layers.Conv2D(1, 1, kernel_initializer=keras.initializers.Constant(1 / 3))
    model = keras.Sequential([keras.Input(METER.tensor_shape), mean, model_of(gray)])
    pairs = [(np.stack([part.images] * 3, axis=-1), part.labels) for part in splits_of(gray, 330, 440)]
    path = tmp_path / "colors.npz"
    np.savez(path, x_train=pairs[0][0], y_train=pairs[0][1], x_test=pairs[1][0], y_test=pairs[1][1])
    for data in (tuple(pairs), path):
        session = open_session(model, data, pixel_range="0..1")
        assert session.test.images.shape == (440, 32, 20, 3)

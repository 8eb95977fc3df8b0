import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from tests.exporters.pipeline.test_export import break_after_conversion

from mnist_exporters import FORMATS, ConversionError, Precision
from mnist_exporters.cli.export import EVERY_FORMAT, _job, _parser
from mnist_exporters.errors import OutputError
from mnist_exporters.spec.precision import ALIASES
from mnist_runtime import Classifier
from mnist_trainer import Splits, find_model, load_model

PARITY_KEYS = {
    "dataset",
    "images",
    "accuracy_original",
    "accuracy_exported",
    "drop",
    "drop_upper_95",
    "agreement",
    "tolerance",
    "passed",
}
ARTIFACT_KEYS = {
    "path",
    "format",
    "precision",
    "size_bytes",
    "sha256",
    "input_dtype",
    "output_dtype",
    "parity",
    "seconds",
}

Run = Callable[..., object]


@pytest.fixture(scope="module")
def both(run: Run, tmp_path_factory: pytest.TempPathFactory) -> list[tuple[Path, object]]:
    """Everything, exported twice, in two processes."""
    folders = [tmp_path_factory.mktemp(name) for name in ("first", "second")]
    quantize = [option for p in Precision for option in ("--quantize", "none" if p == "float32" else p.value)]
    for folder in folders:
        for format in set(FORMATS) - set(EVERY_FORMAT):
            done = run("mnist-export", "--format", format, "--quantize", "--data", "digits", "--output", folder)
            assert done.returncode == 0, done.stderr
    return [
        (folder, run("mnist-export", "--format", "all", *quantize, "--data", "digits", "--output", folder, "--json"))
        for folder in folders
    ]


def test_one_json_object_tells_everything(both: list[tuple[Path, object]]) -> None:
    folder, done = both[0]
    assert done.returncode == 0, done.stderr
    artifacts = json.loads(done.stdout)["artifacts"]
    pairs = {(artifact["format"], artifact["precision"]) for artifact in artifacts}
    assert pairs == {(name, precision) for name in EVERY_FORMAT for precision in FORMATS[name].io_types}
    for artifact in artifacts:
        assert set(artifact) >= ARTIFACT_KEYS
        assert set(artifact["parity"]) >= PARITY_KEYS
        assert artifact["parity"]["passed"] is True
        assert 0.9 < artifact["parity"]["accuracy_exported"] <= 1
        path = Path(artifact["path"])
        assert path.parent == folder
        assert path.stat().st_size == artifact["size_bytes"]
    suffixes = {FORMATS[name].suffix for name in EVERY_FORMAT}
    there = sorted(entry.name for entry in folder.iterdir() if entry.suffix in suffixes)
    assert there == sorted(Path(artifact["path"]).name for artifact in artifacts)


def test_a_second_process_makes_the_same_bytes(both: list[tuple[Path, object]]) -> None:
    first, second = ({path.name: path.read_bytes() for path in folder.iterdir()} for folder, _ in both)
    assert len(first) >= sum(len(row.io_types) for row in FORMATS.values())
    assert first == second


def test_the_bytes_do_not_depend_on_the_others(here: Run, both: list[tuple[Path, object]], tmp_path: Path) -> None:
    for format in EVERY_FORMAT:
        row = FORMATS[format]
        path = tmp_path / f"alone{row.suffix}"
        done = here("mnist-export", "--format", format, "--quantize", "--data", "digits", "--output", path)
        assert done.returncode == 0, done.stderr
        assert path.read_bytes() == (both[0][0] / f"cnn-int8{row.suffix}").read_bytes()
        assert done.stdout == f"{path}\n"


def test_nothing_foreign_is_printed(both: list[tuple[Path, object]]) -> None:
    for _, done in both:
        words = done.stderr.lower()
        for noise in ("tensorflow", "warning", "onednn", "cuda", "absl", "info:", "xnnpack", "saved artifact"):
            assert noise not in words


@pytest.mark.parametrize("format", FORMATS)
def test_a_broken_export_ends_with_3_and_no_file(
    here: Run, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, format: str
) -> None:
    break_after_conversion(monkeypatch, format)
    arguments = ("--model", "mlp", "--format", format, "--quantize", "--data", "digits", "--output", tmp_path, "--json")
    done = here("mnist-export", *arguments)
    assert done.returncode == 3, done.stderr
    assert list(tmp_path.iterdir()) == []
    (artifact,) = json.loads(done.stdout)["artifacts"]
    assert artifact["path"] is None
    assert artifact["parity"]["passed"] is False
    assert "is refused and not written" in done.stderr


@pytest.mark.parametrize("alias", ALIASES)
def test_aliases_make_what_they_say(monkeypatch: pytest.MonkeyPatch, alias: str) -> None:
    job = _job(_parser().parse_args(["--format", "all", "--quantize", alias]))
    assert {spec.precision for spec in job.specs} == {ALIASES[alias]}
    able = {name for name in EVERY_FORMAT if ALIASES[alias] in FORMATS[name].io_types}
    assert {spec.format for spec in job.specs} == able


def test_bare_quantize_is_int8_and_none_is_float32_and_each_is_made_once() -> None:
    def precisions(*arguments: str) -> list[str]:
        return [spec.precision.value for spec in _job(_parser().parse_args(arguments)).specs]

    assert precisions() == ["float32"]
    assert precisions("--quantize") == ["int8"]
    assert precisions("--quantize", "--format", "onnx") == ["int8"]
    assert precisions("--quantize", "16", "--quantize", "float16", "--quantize") == ["float16", "int8"]


def test_a_refused_file_does_not_keep_the_proven_from_being_made(
    here: Run, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    break_after_conversion(monkeypatch, "tflite")
    arguments = ("--model", "mlp", "--format", "all", "--data", "digits", "--output", tmp_path)
    done = here("mnist-export", *arguments)
    assert done.returncode == 3, done.stderr
    assert [entry.name for entry in tmp_path.iterdir()] == ["mlp-float32.onnx"]
    assert done.stdout == f"{tmp_path / 'mlp-float32.onnx'}\n"


def test_a_full_disk_is_told_and_leaves_nothing(here: Run, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    def fail(_: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("os.fsync", fail)
    arguments = ("--model", "linear", "--data", "digits", "--output", tmp_path, "--json")
    done = here("mnist-export", *arguments)
    assert done.returncode == 2, done.stderr
    assert list(tmp_path.iterdir()) == []
    assert json.loads(done.stdout) == {"artifacts": []}
    assert f"{tmp_path}: No space left on device" in done.stderr


def test_a_report_that_cannot_be_written_leaves_the_exports_and_what_was_said_of_them(
    here: Run, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    def fail(*_: object) -> None:
        raise OutputError("Expected a disk.")

    monkeypatch.setattr("mnist_exporters.reports.html.write_report", fail)
    monkeypatch.setattr("mnist_exporters.reports.latency.measure_latency", lambda *_: ())
    arguments = ("--model", "linear", "--data", "digits", "--output", tmp_path / "out", "--report", tmp_path, "--json")
    done = here("mnist-export", *arguments)
    assert done.returncode == 2, done.stderr
    assert [artifact["format"] for artifact in json.loads(done.stdout)["artifacts"]] == ["tflite"]
    assert "error: Expected a disk.\n" in done.stderr


def test_a_folder_in_the_place_of_a_report_is_told_before_any_work(
    here: Run, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / "report.json").mkdir()
    monkeypatch.setattr("mnist_exporters.cli.source.Source.load", lambda _: pytest.fail("work was begun"))
    done = here("mnist-export", "--output", tmp_path / "out", "--report", tmp_path)
    assert done.returncode == 2, done.stderr
    assert "report.json" in done.stderr


def test_a_failed_conversion_does_not_keep_the_other_format_from_being_made(
    here: Run, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    def fail(*_: object) -> None:
        raise ConversionError("Expected better.")

    monkeypatch.setattr("mnist_exporters.formats.tflite.convert._ask_for_floats", fail)
    arguments = ("--model", "mlp", "--format", "all", "--data", "digits", "--output", tmp_path, "--json")
    done = here("mnist-export", *arguments)
    assert done.returncode == 5, done.stderr
    assert [entry.name for entry in tmp_path.iterdir()] == ["mlp-float32.onnx"]
    assert [artifact["format"] for artifact in json.loads(done.stdout)["artifacts"]] == ["onnx"]
    assert "error: Expected better.\n" in done.stderr
    assert "inference_type" not in done.stderr  # the converter's own words stay held back


def test_training_images_of_zeros_end_with_3(here: Run, digits: Splits, tmp_path: Path) -> None:
    np.savez(
        tmp_path / "zeros.npz",
        x_train=np.zeros_like(digits.train.images),
        y_train=digits.train.labels,
        x_test=digits.test.images,
        y_test=digits.test.labels,
    )
    output = tmp_path / "out"
    done = here("mnist-export", "--quantize", "--data", tmp_path / "zeros.npz", "--output", output)
    assert done.returncode == 3, done.stderr
    assert list(output.iterdir()) == []
    assert done.stdout == ""


@pytest.mark.parametrize(("shape", "scale"), [((28, 28), 1), ((784,), 255), ((28, 28, 1), 255)])
def test_a_students_own_model_works(
    here: Run, digits: Splits, tmp_path: Path, shape: tuple[int, ...], scale: int
) -> None:
    """A model trained elsewhere, on its own shape and range of pixels, with no word about either."""
    import keras

    keras.utils.set_random_seed(0)
    images = digits.test.images.reshape(-1, *shape).astype("float32") / np.float32(255 / scale)
    layers = [keras.Input(shape), keras.layers.Flatten(), keras.layers.Dense(32, activation="relu")]
    normalise = [keras.layers.Rescaling(1 / scale)]
    model = keras.Sequential([layers[0], *normalise, *layers[1:], keras.layers.Dense(10, activation="softmax")])
    model.compile("adam", "sparse_categorical_crossentropy")
    model.fit(images, digits.test.labels, epochs=8, verbose=0)
    model.save(tmp_path / "student.keras")
    done = here(
        "mnist-export", "--model", tmp_path / "student.keras", "--format", "all", "--quantize", "--data", "digits",
        "--max-accuracy-drop", 0.02, "--output", tmp_path / "out", "--json",
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert {a["pixel_range"] for a in json.loads(done.stdout)["artifacts"]} == {"0..255" if scale == 255 else "0..1"}
    assert sorted(p.name for p in (tmp_path / "out").iterdir()) == ["student-int8.onnx", "student-int8.tflite"]


@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        (["--format", "coreml"], 2, "invalid choice"),
        (["--quantize", "int7"], 2, "expected one of none, float32, float16, dynamic, int8"),
        (["--max-accuracy-drop", "5"], 2, "above 0 and below 1"),
        (["--max-accuracy-drop", "much"], 2, "expected a share"),
        (["--calibration-samples", "0"], 2, "above 0"),
        (["--model", "resnet"], 2, "linear, mlp, tiny, cnn, accurate"),
        (["--model", "missing/model.keras"], 5, "There is no model at"),
        (["--format", "all", "--output", "one.onnx"], 2, "--output"),
        (["--format", "tflite", "--output", "one.onnx"], 2, "--output"),
        (["--format", "c", "--quantize", "--output", "one.cc"], 2, "--output one.cc"),
        (["--data", "missing.npz"], 6, "found nothing"),
        (["--data", "digits", "--calibration-samples", "298", "--quantize"], 6, "received 298"),
        (["--data", "digits", "--output", "/proc/nowhere"], 2, "output folder"),
    ],
)
def test_mistakes_end_with_their_code_and_one_sentence(here: Run, arguments: list[str], code: int, words: str) -> None:
    done = here("mnist-export", *arguments)
    assert (done.returncode, done.stdout) == (code, "")
    assert words in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize("name", ["students.h5", "students-folder"])
@pytest.mark.filterwarnings("ignore:You are saving your model as an HDF5 file")
def test_other_kinds_of_models_are_exported_and_proven(here: Run, tmp_path: Path, name: str) -> None:
    model, path, output = load_model("linear"), tmp_path / name, tmp_path / "out"
    model.save(path) if path.suffix else model.export(path, verbose=False)
    arguments = ("--model", path, "--format", "all", "--quantize", "--data", "digits", "--output", output, "--json")
    done = here("mnist-export", *arguments)
    assert done.returncode == 0, done.stderr
    artifacts = json.loads(done.stdout)["artifacts"]
    assert {a["format"] for a in artifacts} == {"tflite", "onnx"}
    for artifact in artifacts:
        assert artifact["parity"]["passed"] is True
        manifest = Classifier.load(artifact["path"]).manifest
        assert manifest.name == path.stem
        assert manifest.source["sha256"] == find_model(path).sha256
        assert manifest.source["parameters"] == model.count_params()
    assert sorted(p.name for p in output.iterdir()) == [f"{path.stem}-int8.onnx", f"{path.stem}-int8.tflite"]


def test_a_saved_model_gives_the_same_bytes_in_another_process(run: Run, here: Run, tmp_path: Path) -> None:
    load_model("linear").export(tmp_path / "mine", verbose=False)
    made = []
    for start, folder in ((run, "first"), (here, "second")):
        arguments = ("--model", tmp_path / "mine", "--format", "all", "--quantize", "--data", "digits")
        done = start("mnist-export", *arguments, "--output", tmp_path / folder)
        assert done.returncode == 0, done.stderr
        assert "WARNING" not in done.stderr
        made.append({path.name: path.read_bytes() for path in (tmp_path / folder).iterdir()})
    assert len(made[0]) == 2
    assert made[0] == made[1]


def test_code_in_a_model_runs_only_with_trust(here: Run, tmp_path: Path) -> None:
    import keras

    marker, ready = tmp_path / "executed", load_model("linear")
    layer = keras.layers.Lambda(eval(f"lambda x: (open({str(marker)!r}, 'w').close(), x)[1]"))
    keras.Sequential([keras.Input((28, 28)), layer, *ready.layers]).save(tmp_path / "code.keras")
    marker.unlink()
    arguments = ("--model", tmp_path / "code.keras", "--data", "digits", "--output", tmp_path / "out")
    done = here("mnist-export", *arguments)
    assert done.returncode == 5, done.stderr
    assert not marker.exists()
    assert "say --trust" in done.stderr
    done = here("mnist-export", *arguments, "--trust")
    assert done.returncode == 0, done.stderr
    assert marker.exists()


def test_a_model_of_something_else_ends_with_5(here: Run, tmp_path: Path) -> None:
    import keras

    path = tmp_path / "colours.keras"
    keras.Sequential([keras.Input((32, 32, 3)), keras.layers.Flatten(), keras.layers.Dense(7)]).save(path)
    done = here("mnist-export", "--model", path, "--data", "digits", "--output", tmp_path / "out")
    assert done.returncode == 5, done.stderr
    assert "inputs [(32, 32, 3)] and outputs [(7,)]" in done.stderr


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (("--format", "onnx", "--target", "pi-3-32"), "Expected a format for a Raspberry Pi 3 under a 32-bit system"),
        (("--format", "onnx", "--quantize", "int16x8"), "possible are tflite: float32"),
        (("--format", "c"), "c: int8"),
        (("--format", "onnx", "--quantize", "--input-dtype", "int8"), "possible are tflite float32: uint8 in"),
        (("--quantize", "none", "--output-dtype", "uint8"), "tflite int8: uint8 or int8 or float32 in"),
    ],
)
def test_the_impossible_is_refused_before_any_work_with_what_is_possible(
    here: Run, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, options: tuple, words: str
) -> None:
    monkeypatch.setattr("mnist_exporters.cli.source.Source.load", lambda _: pytest.fail("work was begun"))
    done = here("mnist-export", *options, "--output", tmp_path)
    assert done.returncode == 2, done.stderr
    assert words in done.stderr
    assert list(tmp_path.iterdir()) == []


def test_a_file_that_cannot_load_on_the_target_is_refused(here: Run, tmp_path: Path) -> None:
    options = ("--model", "mlp", "--quantize", "int4", "--target", "pi-3-32", "--data", "digits", "--output", tmp_path)
    done = here("mnist-export", *options)
    assert done.returncode == 5, done.stderr
    assert "has no FULLY_CONNECTED with int4 weights" in done.stderr
    assert list(tmp_path.iterdir()) == []


def test_a_folder_in_the_place_of_a_companion_is_told_before_any_work(
    here: Run, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / "model.cc").mkdir()
    monkeypatch.setattr("mnist_exporters.cli.source.Source.load", lambda _: pytest.fail("work was begun"))
    done = here("mnist-export", "--format", "c", "--quantize", "--output", tmp_path / "model.h")
    assert done.returncode == 2, done.stderr
    assert "model.cc" in done.stderr


@pytest.mark.parametrize(
    ("options", "package", "extra"),
    [(("--format", "c", "--quantize"), "tflite_micro", "micro"), (("--quantize", "int4"), "litert_quantizer", "int4")],
)
def test_an_extra_that_is_missing_is_named(
    here: Run,
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
    options: tuple,
    package: str,
    extra: str,
) -> None:
    import importlib.util

    found = importlib.util.find_spec
    monkeypatch.setattr("importlib.util.find_spec", lambda name, *rest: None if name == package else found(name, *rest))
    done = here("mnist-export", *options, "--model", "linear", "--data", "digits", "--output", tmp_path)
    assert done.returncode == 4, done.stderr
    assert f"pip install 'mnist-edge-export[{extra}]'" in done.stderr
    assert list(tmp_path.iterdir()) == []

import json
import subprocess
from collections.abc import Callable
from functools import cache
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

from mnist_exporters import FORMATS, ConversionError, ExportReport, ExportSpec, Latency, OutputError, Precision
from mnist_exporters.errors import OperatorError
from mnist_exporters.spec.precision import ALIASES
from mnist_runtime import Artifact, Classifier
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
Exported = tuple[Path, subprocess.CompletedProcess[str]]

EVERY_FORMAT = tuple(name for name, row in FORMATS.items() if row.extra is None)
"""The formats of ``--format all``."""


READY_FILE = find_model("linear").path


@pytest.fixture
def no_work(monkeypatch: pytest.MonkeyPatch) -> None:
    """Fail if data or a model is loaded."""
    monkeypatch.setattr("mnist_exporters.api.open_session", lambda *_, **__: pytest.fail("work was begun"))


@pytest.fixture(scope="module")
def exported_together(run: Run, tmp_path_factory: pytest.TempPathFactory) -> Callable[..., Exported]:
    """Return a function: precisions -> folder and output of ``--format all`` in another process; each made once."""

    @cache
    def exported_together(*precisions: Precision) -> Exported:
        folder = tmp_path_factory.mktemp("together")
        quantize = [option for p in precisions for option in ("--quantize", "none" if p == "float32" else p.value)]
        return folder, run(
            "mnist-export", "--format", "all", *quantize, "--data", "digits", "--output", folder, "--json"
        )

    return exported_together


@pytest.mark.parametrize("precisions", [(Precision.INT8,), pytest.param(tuple(Precision), marks=pytest.mark.slow)])
def test_json_is_one_object_with_every_export(
    exported_together: Callable[..., Exported], precisions: tuple[Precision, ...]
) -> None:
    folder, done = exported_together(*precisions)
    assert done.returncode == 0, done.stderr
    artifacts = json.loads(done.stdout)["artifacts"]
    pairs = {(artifact["format"], artifact["precision"]) for artifact in artifacts}
    assert pairs == {(name, p) for name in EVERY_FORMAT for p in FORMATS[name].io_types if p in precisions}
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


@pytest.mark.slow
def test_another_process_makes_the_same_bytes(
    run: Run,
    exported_together: Callable[..., Exported],
    exported: Callable[[str, str, Precision], ExportReport],
) -> None:
    folder, _ = exported_together(*Precision)
    for format in set(FORMATS) - {*EVERY_FORMAT, "web"}:  # tests/exporters/formats/web makes pages
        wanted = [word for precision in FORMATS[format].io_types for word in ("--quantize", precision.value)]
        done = run("mnist-export", "mlp", "--format", format, *wanted, "--data", "digits", "--output", folder)
        assert done.returncode == 0, done.stderr
        if format == "c":
            assert "include mlp-int8.h and call mlp_int8_classify(pixels)" in done.stderr
    for format, row in FORMATS.items():
        for precision in row.io_types if format != "web" else ():
            path = exported("cnn" if format in EVERY_FORMAT else "mlp", format, precision).path
            written = [path, *map(path.with_suffix, row.companions)]
            for file in written:
                assert file.read_bytes() == (folder / file.name).read_bytes()


@pytest.mark.slow
def test_bytes_do_not_depend_on_the_other_exports_of_a_run(
    here: Run, exported_together: Callable[..., Exported], tmp_path: Path
) -> None:
    for format in EVERY_FORMAT:
        row = FORMATS[format]
        path = tmp_path / f"alone{row.suffix}"
        done = here("mnist-export", "--format", format, "--quantize", "--data", "digits", "--output", path)
        assert done.returncode == 0, done.stderr
        assert path.read_bytes() == (exported_together(Precision.INT8)[0] / f"cnn-int8{row.suffix}").read_bytes()
        assert done.stdout == f"{path}\n"


def test_no_output_of_other_libraries_is_printed(exported_together: Callable[..., Exported]) -> None:
    words = exported_together(Precision.INT8)[1].stderr.lower()
    for noise in ("tensorflow", "warning", "onednn", "cuda", "absl", "info:", "xnnpack", "saved artifact"):
        assert noise not in words


@pytest.mark.parametrize(
    "format", [pytest.param(name, marks=() if name in ("tflite", "c") else pytest.mark.slow) for name in FORMATS]
)
def test_refused_export_ends_with_3_and_no_file(
    here: Run, shuffle_weights: Callable[[str], None], tmp_path: Path, format: str
) -> None:
    shuffle_weights(format)
    arguments = ("--model", "mlp", "--format", format, "--quantize", "--data", "digits", "--output", tmp_path, "--json")
    done = here("mnist-export", *arguments, "--no-repair")
    assert done.returncode == 3, done.stderr
    assert "Repairs" not in done.stderr
    assert list(tmp_path.iterdir()) == []
    (artifact,) = json.loads(done.stdout)["artifacts"]
    assert artifact["path"] is None
    assert artifact["parity"]["passed"] is False
    assert "is refused and not written" in done.stderr


@pytest.fixture
def specs(here: Run, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Callable[..., list[tuple[str, str]]]:
    """Return a function that runs the command without its work and returns model, format and precision of each file."""

    class Session:
        reference = None

        def __init__(self, name: str) -> None:
            self.original = SimpleNamespace(name=name)
            self.advice = None

        def describe_original(self) -> str:
            return "no work"

        def export(self, spec: ExportSpec, *_: object, **__: object) -> None:
            requested.append((self.original.name, spec.format, spec.precision.value))
            raise ConversionError("No work is done.")

    def specs(*words: object) -> list[tuple[str, str]]:
        requested.clear()
        done = here("mnist-export", *words, "--output", tmp_path)
        assert done.returncode == 5, done.stderr
        return list(requested)

    requested: list[tuple[str, str, str]] = []
    monkeypatch.setattr("mnist_exporters.api.open_session", lambda model, *_, **__: Session(model.name))
    return specs


@pytest.mark.parametrize("alias", ALIASES)
def test_alias_of_a_precision_exports_it_in_all_formats_that_have_it(specs: Callable[..., list], alias: str) -> None:
    able = [name for name in EVERY_FORMAT if ALIASES[alias] in FORMATS[name].io_types]
    found = specs("--format", "all", "--quantize", alias)
    assert found == [("cnn", name, ALIASES[alias].value) for name in able]


@pytest.mark.parametrize(
    ("formats", "quantize", "expected"),
    [
        (["onnx", "tflite"], [], ["onnx float32", "tflite float32"]),
        (["c", "tflite", "c"], ["8"], ["c int8", "tflite int8"]),
        (["onnx", "tflite"], ["16", "8"], ["onnx float16", "onnx int8", "tflite float16", "tflite int8"]),
        (["onnx", "all", "c"], ["8"], ["onnx int8", "tflite int8", "c int8"]),
        (["tflite", "c"], ["none", "8"], ["tflite float32", "tflite int8", "c int8"]),
    ],
)
def test_format_may_be_repeated(
    specs: Callable[..., list], formats: list[str], quantize: list[str], expected: list[str]
) -> None:
    words = [*(f"--format={name}" for name in formats), *(f"--quantize={name}" for name in quantize)]
    assert [f"{format} {precision}" for _, format, precision in specs(*words)] == expected


@pytest.mark.usefixtures("specs")
def test_combinations_that_do_not_exist_are_left_out_with_a_note(here: Run, tmp_path: Path) -> None:
    formats, precisions = ("--format", "tflite", "--format", "c"), ("--quantize", "none", "--quantize", "int8")
    done = here("mnist-export", *formats, *precisions, "--output", tmp_path)
    assert "note: left out, because these formats do not have that precision: c float32" in done.stderr


def test_formats_of_which_one_lacks_the_precision_are_refused_before_any_work(
    here: Run, no_work: None, tmp_path: Path
) -> None:
    done = here("mnist-export", "--format", "tflite", "--format", "c", "--quantize", "none", "--output", tmp_path)
    assert done.returncode == 2, done.stderr
    assert "c files cannot have precision float32" in done.stderr


@pytest.mark.parametrize("format", ["c", "web", "tflm"])
def test_a_format_without_float32_needs_quantize(here: Run, no_work: None, tmp_path: Path, format: str) -> None:
    done = here("mnist-export", "tiny", "--format", format, "--output", tmp_path)
    assert (done.returncode, list(tmp_path.iterdir())) == (2, [])
    reason = f"{format} files cannot have precision float32, which is used without --quantize. "
    assert f"{reason}Choose another with --quantize:" in done.stderr


@pytest.mark.parametrize(
    ("words", "model", "precisions"),
    [
        ((), "cnn", ["float32"]),
        (("--quantize",), "cnn", ["int8"]),
        (("--quantize", "--seed", "1"), "cnn", ["int8"]),
        (("--quantize", "16", "--quantize", "float16", "--quantize"), "cnn", ["float16", "int8"]),
        (("--quantize", "tiny"), "tiny", ["int8"]),
        (("tiny", "--quantize"), "tiny", ["int8"]),
        (("--quantize", "16", "tiny"), "tiny", ["float16"]),
        (("--quantize", "--quantize", "none", "--model", "mlp"), "mlp", ["int8", "float32"]),
        (("mlp", "--model", "mlp"), "mlp", ["float32"]),
    ],
)
def test_quantize_without_a_precision_means_int8(
    specs: Callable[..., list], words: tuple, model: str, precisions: list[str]
) -> None:
    assert specs(*words) == [(model, "tflite", precision) for precision in precisions]


def test_quantize_before_the_path_of_a_model_means_int8(specs: Callable[..., list], tmp_path: Path) -> None:
    path = tmp_path / "mine.keras"
    path.write_bytes(READY_FILE.read_bytes())
    assert specs("--quantize", path) == [("mine", "tflite", "int8")]


@pytest.mark.long
def test_proven_files_are_written_after_a_refused_one(
    here: Run, shuffle_weights: Callable[[str], None], tmp_path: Path
) -> None:
    shuffle_weights("tflite")
    arguments = ("--model", "mlp", "--format", "all", "--data", "digits", "--output", tmp_path)
    done = here("mnist-export", *arguments)
    assert done.returncode == 3, done.stderr
    assert [entry.name for entry in tmp_path.iterdir()] == ["mlp-float32.onnx"]
    assert done.stdout == f"{tmp_path / 'mlp-float32.onnx'}\n"


@pytest.mark.long
def test_full_disk_is_an_error_and_leaves_no_file(here: Run, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    def fail(_: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("os.fsync", fail)
    arguments = ("--model", "linear", "--data", "digits", "--output", tmp_path, "--json")
    done = here("mnist-export", *arguments)
    assert done.returncode == 2, done.stderr
    assert list(tmp_path.iterdir()) == []
    assert json.loads(done.stdout)["artifacts"] == []
    assert f"{tmp_path}: No space left on device" in done.stderr


@pytest.mark.long
def test_exports_and_their_json_stay_if_the_report_cannot_be_written(
    here: Run, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    def fail(*_: object) -> None:
        raise OutputError("The disk is full.")

    monkeypatch.setattr("mnist_exporters.reports.html.write_report", fail)
    monkeypatch.setattr("mnist_exporters.reports.compare.measure_latency", lambda *_: ())
    arguments = ("--model", "linear", "--data", "digits", "--output", tmp_path / "out", "--report", tmp_path, "--json")
    done = here("mnist-export", *arguments)
    assert done.returncode == 2, done.stderr
    assert [artifact["format"] for artifact in json.loads(done.stdout)["artifacts"]] == ["tflite"]
    assert "error: The disk is full.\n" in done.stderr


def test_folder_in_the_place_of_a_report_is_an_error_before_any_work(here: Run, no_work: None, tmp_path: Path) -> None:
    (tmp_path / "report.json").mkdir()
    done = here("mnist-export", "--output", tmp_path / "out", "--report", tmp_path)
    assert done.returncode == 2, done.stderr
    assert "report.json" in done.stderr


@pytest.mark.long
def test_other_format_is_exported_after_a_failed_conversion(
    here: Run, edit_converted: Callable[..., None], tmp_path: Path
) -> None:
    def fail(_: bytes) -> bytes:
        raise ConversionError("The converter failed.")

    edit_converted("tflite", fail)
    arguments = ("--model", "mlp", "--format", "all", "--data", "digits", "--output", tmp_path, "--json")
    done = here("mnist-export", *arguments)
    assert done.returncode == 5, done.stderr
    assert [entry.name for entry in tmp_path.iterdir()] == ["mlp-float32.onnx"]
    assert [artifact["format"] for artifact in json.loads(done.stdout)["artifacts"]] == ["onnx"]
    assert "error: The converter failed.\n" in done.stderr
    assert "inference_type" not in done.stderr, "output of the converter"


@pytest.mark.slow
def test_black_training_images_end_with_3(here: Run, digits: Splits, tmp_path: Path) -> None:
    np.savez(
        tmp_path / "zeros.npz",
        x_train=np.zeros_like(digits.train.images),
        y_train=digits.train.labels,
        x_test=digits.test.images,
        y_test=digits.test.labels,
    )
    output = tmp_path / "out"
    done = here("mnist-export", "--quantize", "--no-repair", "--data", tmp_path / "zeros.npz", "--output", output)
    assert done.returncode == 3, done.stderr
    assert not output.exists()
    assert done.stdout == ""


@pytest.mark.long
@pytest.mark.parametrize(("shape", "scale"), [((28, 28), 1), pytest.param((784,), 255, marks=pytest.mark.slow)])
def test_own_model_of_any_shape_and_pixel_range_is_exported(
    here: Run, digits: Splits, tmp_path: Path, shape: tuple[int, ...], scale: int
) -> None:
    """Export a model trained elsewhere without options for its input."""
    import keras

    keras.utils.set_random_seed(0)
    images = digits.test.images.reshape(-1, *shape).astype("float32") / np.float32(255 / scale)
    layers = [keras.Input(shape), keras.layers.Flatten(), keras.layers.Dense(32, activation="relu")]
    rescale = [keras.layers.Rescaling(1 / scale)]
    model = keras.Sequential([layers[0], *rescale, *layers[1:], keras.layers.Dense(10, activation="softmax")])
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
        (["--format", "tflit"], 2, "Did you mean tflite?"),
        (["--target", "pi3"], 2, "Did you mean pi-3?"),
        (["verfy", "cnn.tflite"], 2, "There is no command mnist-export verfy. Did you mean verify?"),
        (["one.keras", "--model", "two.keras"], 2, "Two models are given, one.keras and --model two.keras."),
        (["--quantize", "int7"], 2, "Did you mean int"),
        (["--expect-accuracy", "98"], 2, "98 is not a fraction above 0 and at most 1. For 98 % give 0.98."),
        (["--max-accuracy-drop", "2"], 2, "2 is not a fraction above 0 and below 1. For 2 % give 0.02."),
        (["--format", "c", "--quantize", "--output", 'a"b.c'], 2, "Give another name with --output"),
        (["--quantize", ""], 2, "Choose one of none, float32"),
        ([""], 5, "not a SavedModel"),
        (["--model", ""], 5, "not a SavedModel"),
        (["--output", "x" * 300], 2, "File name too long"),
        (["--quantize", "x" * 300], 2, "Choose one of none, float32"),
        (["--max-accuracy-drop", "5"], 2, "--max-accuracy-drop"),
        (["--max-accuracy-drop", "much"], 2, "--max-accuracy-drop"),
        (["--calibration-samples", "0"], 2, "--calibration-samples"),
        (["--model", "resnet"], 2, "linear, mlp, tiny, cnn, accurate"),
        (["--model", "missing/model.keras"], 5, "There is no model at"),
        (["--format", "all", "--output", "one.onnx"], 2, "one.onnx"),
        (["--format", "tflite", "--output", "one.onnx"], 2, "one.onnx"),
        (["--quantize", "--quantize", "none", "--output", "one.tflite"], 2, "2 are requested"),
        (["--format", "tflm", "--quantize", "--output", "one.cc"], 2, "one.cc"),
        (["--data", "missing.npz"], 6, "There is no data set at"),
        (["--data", "digits", "--calibration-samples", "298", "--quantize"], 6, "Cannot draw 298"),
        (["--data", "digits", "--output", "/proc/nowhere"], 2, "output folder"),
        (["--data", "digits", "--output", "/proc/x.tflite"], 2, "Choose another "),
    ],
)
def test_mistake_ends_with_its_exit_code_and_a_message(here: Run, arguments: list[str], code: int, words: str) -> None:
    done = here("mnist-export", *arguments)
    assert (done.returncode, done.stdout) == (code, "")
    assert words in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.long
@pytest.mark.parametrize("name", ["students.h5", pytest.param("students-folder", marks=pytest.mark.slow)])
@pytest.mark.filterwarnings("ignore:You are saving your model as an HDF5 file")
def test_h5_file_and_saved_model_folder_are_exported(here: Run, tmp_path: Path, name: str) -> None:
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


@pytest.mark.slow
def test_saved_model_gives_the_same_bytes_in_another_process(run: Run, here: Run, tmp_path: Path) -> None:
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


@pytest.mark.long
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
    assert "use --trust" in done.stderr
    done = here("mnist-export", *arguments, "--trust")
    assert done.returncode == 0, done.stderr
    assert marker.exists()


def test_model_that_is_not_for_digits_ends_with_5(here: Run, tmp_path: Path) -> None:
    import keras

    path = tmp_path / "colors.keras"
    keras.Sequential([keras.Input((32, 32, 3)), keras.layers.Flatten(), keras.layers.Dense(7)]).save(path)
    done = here("mnist-export", "--model", path, "--data", "digits", "--output", tmp_path / "out")
    assert done.returncode == 5, done.stderr
    assert "inputs [(32, 32, 3)] and outputs [(7,)]" in done.stderr


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (("--format", "onnx", "--target", "pi-zero"), "No interpreter for onnx files can be installed on"),
        (("--format", "onnx", "--quantize", "int16x8"), "dynamic, int8. Formats with int16x8: tflite, c, web"),
        (("--format", "tflm"), "Choose another with --quantize: int8. Formats with float32: tflite, onnx"),
        (("--format", "onnx", "--quantize", "--input-dtype", "int8"), "Possible are tflite float32: uint8 in"),
        (("--quantize", "none", "--output-dtype", "uint8"), "tflite int8: uint8 or int8 or float32 in"),
    ],
)
def test_impossible_combination_is_an_error_before_any_work(
    here: Run, no_work: None, tmp_path: Path, options: tuple, words: str
) -> None:
    done = here("mnist-export", *options, "--output", tmp_path)
    assert done.returncode == 2, done.stderr
    assert words in done.stderr
    assert list(tmp_path.iterdir()) == []


@pytest.mark.slow
def test_file_that_the_target_cannot_load_is_refused(here: Run, tmp_path: Path) -> None:
    options = ("--model", "mlp", "--quantize", "int4", "--target", "pi-3-32", "--data", "digits", "--output", tmp_path)
    done = here("mnist-export", *options)
    assert done.returncode == 5, done.stderr
    assert "has no FULLY_CONNECTED with int4 weights" in done.stderr
    assert list(tmp_path.iterdir()) == []


def test_folder_in_the_place_of_a_second_file_is_an_error_before_any_work(
    here: Run, no_work: None, tmp_path: Path
) -> None:
    (tmp_path / "model.cc").mkdir()
    done = here("mnist-export", "--format", "tflm", "--quantize", "--output", tmp_path / "model.h")
    assert done.returncode == 2, done.stderr
    assert "model.cc" in done.stderr


@pytest.mark.parametrize(
    ("options", "package", "extra"),
    [
        (("--format", "tflm", "--quantize"), "tflite_micro", "micro"),
        (("--quantize", "int4"), "litert_quantizer", "int4"),
    ],
)
def test_missing_extra_is_named(
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


@pytest.mark.parametrize(
    ("words", "completions"),
    [
        ("mnist-export --form", {"--format"}),
        ("mnist-export ver", {"verify"}),
        ("mnist-export --quantize int1", {"int16x8"}),
        ("mnist-export verify --against t", {"tiny"}),
    ],
)
def test_shell_completion_offers_options_names_and_subcommands(run: Run, words: str, completions: set[str]) -> None:
    place = str(len(words.split()) - 1)
    done = run("mnist-export", _MNIST_EXPORT_COMPLETE="bash_complete", COMP_WORDS=words, COMP_CWORD=place)
    assert {line.split(",")[1] for line in done.stdout.splitlines()} == completions


@pytest.mark.slow
def test_the_last_line_names_the_smallest_file_and_not_the_last_one(here: Run, tmp_path: Path) -> None:
    done = here(
        "mnist-export", "linear", "--data", "digits", "--quantize", "--quantize", "none", "--output", tmp_path / "made"
    )
    assert done.stdout.splitlines() == [
        str(tmp_path / "made" / f"linear-{name}.tflite") for name in ("int8", "float32")
    ]
    assert done.stderr.splitlines()[-1] == (
        "Classify a picture with the smallest of 2 proven files (--report measures speed too): "
        f"mnist-runtime classify --model {tmp_path / 'made' / 'linear-int8.tflite'} PICTURE"
    )


@pytest.mark.slow
def test_with_a_report_the_last_line_names_the_recommended_file(
    here: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    speeds = {"linear-float32.tflite": 1.0, "linear-int8.tflite": 1000.0}
    monkeypatch.setattr(
        "mnist_exporters.reports.compare.measure_latency",
        lambda path: (Latency("litert", "2.3.0", speeds[path.name], speeds[path.name], 0.1, 10**6),),
    )
    done = here(
        "mnist-export", "linear", "--data", "digits", "--quantize", "none", "--quantize", "--output", tmp_path / "made",
        "--report", tmp_path / "report",
    )  # fmt: skip
    assert done.stderr.splitlines()[-1] == (
        "Classify a picture with the recommended file: "
        f"mnist-runtime classify --model {tmp_path / 'made' / 'linear-float32.tflite'} PICTURE"
    )


@pytest.mark.long
def test_a_single_file_is_named_without_more_words(here: Run, tmp_path: Path) -> None:
    path = tmp_path / "a folder" / "linear-float32.tflite"
    done = here("mnist-export", "linear", "--data", "digits", "--output", path.parent)
    last = done.stderr.splitlines()[-1]
    assert last == f"Classify a picture: mnist-runtime classify --model '{path}' PICTURE"
    manifest = Artifact.open(path).manifest
    assert manifest.source["rejects_non_digits"] is False, "the record says so"
    assert manifest.golden["processor"]


def test_an_unsupported_layer_gets_a_command_that_converts(
    here: Callable[..., subprocess.CompletedProcess[str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    """It keeps the other options."""

    def fail(*_: object, **__: object) -> None:
        raise OperatorError("soft (ELU) needs ELU.", instead=("tflite", "dynamic"))

    monkeypatch.setattr("mnist_exporters.pipeline.session.export", fail)
    done = here("mnist-export", "linear", "--quantize", "--data", "digits", "--format=c", "--output", "a b")
    assert done.returncode == 5
    command = "mnist-export linear --data digits --output 'a b' --format tflite --quantize dynamic"
    assert done.stderr.endswith(f"To convert it: {command}\n")


def test_no_empty_folder_is_left_of_a_command_without_data(here: Callable[..., object], tmp_path: Path) -> None:
    new = tmp_path / "new"
    options = ["--format", "onnx", "--format", "tflite", "--output", new / "files", "--report", new / "report"]
    done = here("mnist-export", "linear", "--data", tmp_path / "nowhere", *options)
    assert done.returncode == 6, done.stderr
    assert list(tmp_path.iterdir()) == []

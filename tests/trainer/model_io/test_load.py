import shutil
import sys
import zipfile
from pathlib import Path

import numpy as np
import pytest

from mnist_trainer import ModelError, UsageError, load_model, model_path
from mnist_trainer.cli.main import evaluate_main
from mnist_trainer.model_io.load import OTHERS, model_name
from mnist_trainer.model_io.ready import ready_record

POINTER = b"version https://git-lfs.github.com/spec/v1\noid sha256:4d7a\nsize 12345\n"
ZIP, HDF5 = b"PK\x03\x04 and more", b"\x89HDF\r\n\x1a\n and more"


@pytest.mark.parametrize("name", ["resnet", "x" * 200])
def test_a_name_that_is_neither_model_nor_path_is_a_usage_error(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(UsageError, match="linear, mlp, tiny, cnn, accurate"):
        load_model(name)


@pytest.mark.parametrize("name", ["mine.keras", "mine.h5", "folder/", "a/b/c"])
def test_a_missing_file_is_told(tmp_path: Path, name: str) -> None:
    with pytest.raises(ModelError, match="found none"):
        load_model(f"{tmp_path}/{name}")


@pytest.mark.parametrize(
    ("name", "error", "words"),
    [
        ("x" * 5000 + ".keras", ModelError, "File name too long"),
        ("a\0b.keras", UsageError, "zero bytes"),
        ("\udcff.keras", UsageError, "Unicode"),
        ("file/mine.keras", ModelError, "found none"),
    ],
)
def test_odd_paths_are_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str, error: type[Exception], words: str
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("file").touch()
    with pytest.raises(error, match=words):
        load_model(name)


@pytest.mark.parametrize(
    ("name", "content", "words"),
    [
        *((f"mine{suffix}", b"something", words) for suffix, words in OTHERS.items()),
        ("mine.PTH", b"something", "PyTorch"),
        ("mine", b"something", "this is neither"),
        ("mine.keras", b"", "empty"),
        ("mine.onnx", b"", "empty"),
        ("mine.keras", POINTER, "git lfs pull"),
        ("mine.h5", POINTER, "git lfs pull"),
        ("mine.keras", HDF5, r"inside it is a \.h5 file"),
        ("mine.h5", ZIP, r"inside it is a \.keras file"),
        ("mine.keras", b"<html>404</html>", "damaged"),
        ("mine.hdf5", b"<html>404</html>", "damaged"),
    ],
)
def test_what_is_no_model_is_told_by_its_first_bytes(tmp_path: Path, name: str, content: bytes, words: str) -> None:
    (tmp_path / name).write_bytes(content)
    with pytest.raises(ModelError, match=words.replace("(", r"\(").replace(")", r"\)")) as caught:
        model_path(str(tmp_path / name))
    assert caught.value.exit_code == 5


def test_a_folder_that_is_no_saved_model_is_told(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match=r"holds no saved_model\.pb"):
        model_path(str(tmp_path))


def test_a_saved_model_of_pointers_is_told(tmp_path: Path) -> None:
    (tmp_path / "saved_model.pb").write_bytes(b"graph")
    (tmp_path / "variables").mkdir()
    (tmp_path / "variables" / "variables.index").write_bytes(POINTER)
    with pytest.raises(ModelError, match=r"variables\.index.*git lfs pull"):
        model_path(str(tmp_path))


@pytest.mark.parametrize("kind", ["truncated", "no config", "no weights", "mangled weights", "mangled config"])
def test_a_damaged_file_is_told(tmp_path: Path, kind: str) -> None:
    whole, path = model_path("mlp").read_bytes(), tmp_path / "mine.keras"
    path.write_bytes(whole[: len(whole) // 2])
    action, _, member = kind.rpartition(" ")
    if action:
        damaged = {"config": "config.json", "weights": "model.weights.h5"}[member]
        with zipfile.ZipFile(model_path("mlp")) as source, zipfile.ZipFile(path, "w") as target:
            for name in source.namelist():
                if name != damaged:
                    target.writestr(name, source.read(name))
                elif action == "mangled":
                    target.writestr(name, b"\0" * 5000)
    with pytest.raises(ModelError, match=r"holds no config\.json" if kind == "no config" else "could not load it"):
        load_model(str(path))


def test_models_are_called_as_their_files() -> None:
    assert model_name(Path("a/mine.v2.keras")) == "mine.v2"
    assert model_name(Path("a/mine.h5")) == "mine"
    assert model_name(Path("a/mine.v2/")) == "mine.v2"
    assert model_name(Path(__file__).parent / ".") == Path(__file__).parent.name


@pytest.mark.parametrize("name", ["mine.keras", "mine.h5", "mine"])
@pytest.mark.parametrize(("shape", "classes"), [((32, 32, 3), 10), ((28, 28), 2), ((783,), 10)])
@pytest.mark.filterwarnings("ignore:You are saving your model as an HDF5 file")
def test_a_model_of_something_else_is_told(tmp_path: Path, name: str, shape: tuple[int, ...], classes: int) -> None:
    import keras

    model = keras.Sequential([keras.Input(shape), keras.layers.Flatten(), keras.layers.Dense(classes)])
    path = tmp_path / name
    model.save(path) if path.suffix else model.export(path, verbose=False)
    with pytest.raises(ModelError, match=r"not a digit model: it has inputs \[\(") as caught:
        load_model(str(path))
    assert str(caught.value).startswith(f"{path}: ")


def test_a_model_of_two_inputs_is_told(tmp_path: Path) -> None:
    import keras

    inputs = [keras.Input((28, 28)), keras.Input((28, 28))]
    scores = keras.layers.Dense(10)(keras.layers.Flatten()(keras.layers.Add()(inputs)))
    keras.Model(inputs, scores).save(tmp_path / "two.keras")
    with pytest.raises(ModelError, match=r"it has inputs \[\(28, 28\), \(28, 28\)\]"):
        load_model(str(tmp_path / "two.keras"))


@pytest.mark.parametrize(
    ("name", "content", "code"),
    [("mine.keras", POINTER, 5), ("mine.h5", HDF5, 5), ("mine.pt", b"PK", 5), ("mine.keras", None, 5)],
)
def test_the_command_ends_with_one_sentence_and_its_code(
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    tmp_path: Path,
    name: str,
    content: bytes | None,
    code: int,
) -> None:
    path = tmp_path / name
    if content is None:
        import keras

        keras.Sequential([keras.Input((5,)), keras.layers.Dense(10)]).save(path)
    else:
        path.write_bytes(content)
    monkeypatch.setattr(sys, "argv", ["mnist-evaluate", str(path), "--data", "digits"])
    with pytest.raises(SystemExit) as left:
        evaluate_main()
    assert left.value.code == code
    printed = capsys.readouterr()
    assert printed.out == ""
    assert printed.err.startswith(f"error: {path}: ")
    assert printed.err.count("\n") == 1


@pytest.mark.parametrize("name", ["linear.h5", "linear"])
@pytest.mark.filterwarnings("ignore:You are saving your model as an HDF5 file")
def test_the_command_evaluates_every_kind(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path, name: str
) -> None:
    model, path = load_model("linear"), tmp_path / name
    model.save(path) if path.suffix else model.export(path, verbose=False)
    assert np.array_equal(load_model(str(path)).get_weights()[0], model.get_weights()[0])
    monkeypatch.setattr(sys, "argv", ["mnist-evaluate", str(path), "--data", "digits"])
    with pytest.raises(SystemExit) as left:
        evaluate_main()
    assert left.value.code == 0
    assert "  67.93%  " in capsys.readouterr().out


def test_only_ready_models_have_a_record_that_is_surely_theirs(tmp_path: Path) -> None:
    shutil.copy(model_path("mlp"), tmp_path / "mlp.keras")
    shutil.copy(model_path("mlp").with_suffix(".json"), tmp_path / "mlp.json")
    assert ready_record("mlp")["pixel_range"] == "0..1"
    assert ready_record(str(tmp_path / "mlp.keras")) == {}

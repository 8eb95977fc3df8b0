import zipfile
from pathlib import Path

import pytest

from mnist_trainer import ModelError, UsageError, load_model, model_path


def test_a_name_that_is_neither_model_nor_path_is_a_usage_error() -> None:
    with pytest.raises(UsageError, match="linear, mlp, cnn"):
        load_model("resnet")


def test_a_missing_file_is_told(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match="found none"):
        load_model(str(tmp_path / "mine.keras"))


def test_another_kind_of_file_is_told(tmp_path: Path) -> None:
    (tmp_path / "mine.h5").write_bytes(b"\x89HDF")
    with pytest.raises(ModelError, match=r"expected a \.keras file"):
        load_model(str(tmp_path / "mine.h5"))


@pytest.mark.parametrize("kind", ["empty", "text", "truncated", "no weights", "mangled weights"])
def test_a_damaged_file_is_told(tmp_path: Path, kind: str) -> None:
    whole, path = model_path("mlp").read_bytes(), tmp_path / "mine.keras"
    path.write_bytes({"empty": b"", "text": b"version https"}.get(kind, whole[: len(whole) // 2]))
    if "weights" in kind:
        with zipfile.ZipFile(model_path("mlp")) as source, zipfile.ZipFile(path, "w") as target:
            for name in source.namelist():
                if name != "model.weights.h5":
                    target.writestr(name, source.read(name))
                elif kind == "mangled weights":
                    target.writestr(name, b"\0" * 5000)
    with pytest.raises(ModelError, match="could not load it") as caught:
        load_model(str(path))
    assert caught.value.exit_code == 5


def test_code_inside_a_file_is_not_executed(tmp_path: Path) -> None:
    import keras

    marker = tmp_path / "executed"

    def mark(x: object) -> object:
        marker.touch()
        return x

    model = keras.Sequential([keras.Input((28, 28)), keras.layers.Lambda(mark), keras.layers.Flatten()])
    marker.unlink(missing_ok=True)
    model.save(tmp_path / "lambda.keras")
    marker.unlink(missing_ok=True)
    with pytest.raises(ModelError, match="could not load it"):
        load_model(str(tmp_path / "lambda.keras"))
    assert not marker.exists()

"""Finding a model by name or path, and checking its first bytes."""

import hashlib
import re
import shutil
import zipfile
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mnist_trainer import ModelError, UsageError, find_model
from mnist_trainer.model_io.file_kinds import SUFFIXES, unsuitable
from mnist_trainer.model_io.find import TEACHERS

POINTER = b"version https://git-lfs.github.com/spec/v1\noid sha256:4d7a\nsize 12345\n"
ZIP, HDF5 = b"PK\x03\x04 and more", b"\x89HDF\r\n\x1a\n and more"


@pytest.mark.parametrize("name", ["resnet", "x" * 200])
def test_an_unknown_name_is_a_usage_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(UsageError, match="linear, mlp, tiny, cnn, accurate"):
        find_model(name)


def test_a_mistyped_name_or_path_gets_a_hint(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path("mine.keras").write_bytes(ZIP)
    with pytest.raises(UsageError, match=r"Did you mean tiny\?"):
        find_model("tyni")
    with pytest.raises(ModelError, match=r"Did you mean mine\.keras\?"):
        find_model("mine.kears")
    Path("m16_resnet.keras").write_bytes(ZIP)
    with pytest.raises(ModelError, match=r"m11_pad32_lenet\.keras\. Check the path\."):
        find_model("m11_pad32_lenet.keras")
    Path("mine_v2").write_bytes(ZIP)
    with pytest.raises(UsageError, match=r"Did you mean mine_v2\?"):
        find_model("mine_v1")
    with pytest.raises(UsageError, match=r"mnist-train --architecture lenet\. Give trained/lenet\.keras"):
        find_model("lenet")


@pytest.mark.parametrize("name", ["mine.keras", "mine.h5", "folder/", "a/b/c"])
def test_a_missing_file_is_reported(tmp_path: Path, name: str) -> None:
    with pytest.raises(ModelError, match="There is no model at"):
        find_model(f"{tmp_path}/{name}")


@pytest.mark.parametrize(
    ("name", "error", "words"),
    [
        ("x" * 5000 + ".keras", ModelError, "File name too long"),
        ("a\0b.keras", UsageError, "zero byte"),
        ("\udcff.keras", UsageError, "Unicode"),
        ("file/mine.keras", ModelError, "There is no model at"),
    ],
)
def test_impossible_paths_are_reported(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str, error: type[Exception], words: str
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("file").touch()
    with pytest.raises(error, match=words):
        find_model(name)


@pytest.mark.parametrize(
    ("name", "content", "words"),
    [
        *((f"mine{suffix}", b"something", words) for suffix, words in SUFFIXES.items()),
        ("mine.PTH", b"something", "PyTorch"),
        ("mine", b"something", "of an unknown kind"),
        ("mine.c", b"/* C99 */", "C code. Compare it with its original: mnist-export verify FILE --against MODEL"),
        ("mine.keras", b"", "empty"),
        ("mine.onnx", b"", "empty"),
        ("mine.keras", POINTER, "git lfs pull"),
        ("mine.h5", POINTER, "git lfs pull"),
        ("mine.h5", ZIP, "damaged"),
        ("mine.keras", b"<html>404</html>", "a page of a web site"),
        ("mine.hdf5", b"\n<!doctype html>", "a page of a web site"),
        ("mine.keras", b"\x1c\0\0\0TFL3 and more", "another converter"),
        ("mine.keras", b"\n\0\0\0TFL3 and more", "another converter"),  # an offset that is a line break
        ("mine.h5", b"\x08\x0a\x12\x07pytorch", "another converter"),
        ("mine.h5", b"\x08\x01\x12\xab\x84\x01", "one file of a SavedModel"),
        ("mine.keras", b"\x80\x04\x95 and more", "a pickle"),
        ("mine.keras", b"\x80\x02}q\0.", "a pickle"),
        ("mine.pt", b"\x80\x02\x8a\x0al\xfc\x9cF", "a PyTorch file"),
        ("mine.h5", b'{"class_name": "Sequential"}', "a configuration without weights"),
        ("mine.h5", b'\n{"class_name": "Sequential"}', "a configuration without weights"),
        ("mine.h5", b"\x93NUMPY\x01\0", "weights only"),
        ("mine.keras", b'\x40\0\0\0\0\0\0\0{"weights":', "weights only"),
        ("mine.keras", b"\x1f\x8b\x08 and more", "a packed folder"),
    ],
)
def test_other_files_are_recognized_by_their_first_bytes(tmp_path: Path, name: str, content: bytes, words: str) -> None:
    (tmp_path / name).write_bytes(content)
    with pytest.raises(ModelError, match=re.escape(words)) as caught:
        find_model(str(tmp_path / name))
    assert caught.value.exit_code == 5


@pytest.mark.parametrize(
    ("member", "words"),
    [
        ("archive/data.pkl", "a PyTorch file"),
        ("arr_0.npy", "weights only"),
        ("mine/saved_model.pb", "a packed folder"),
        ("mine.keras", "a packed folder"),
        ("readme.txt", "a packed folder"),
    ],
)
def test_zip_files_are_recognized_by_their_members(tmp_path: Path, member: str, words: str) -> None:
    with zipfile.ZipFile(tmp_path / "mine.model", "w") as file:
        file.writestr(member, b"content")
    with pytest.raises(ModelError, match=words):
        find_model(tmp_path / "mine.model")


@pytest.mark.parametrize("suffix", [".keras", ".h5", ".model", ""])
@pytest.mark.parametrize("kind", ["zip", "hdf5"])
def test_a_model_may_have_any_suffix(tmp_path: Path, suffix: str, kind: str) -> None:
    path = tmp_path / f"mine{suffix}"
    if kind == "hdf5":
        path.write_bytes(HDF5)
    else:
        with zipfile.ZipFile(path, "w") as file:
            file.writestr("config.json", "{}")
    assert find_model(path).path == path


def test_an_archive_called_keras_is_accepted_until_it_is_loaded(tmp_path: Path) -> None:
    """Loading it then says which member is missing."""
    path = tmp_path / "mine.KERAS"
    with zipfile.ZipFile(path, "w") as file:
        file.writestr("readme.txt", "content")
    assert find_model(path).path == path


@given(st.binary(min_size=1, max_size=40), st.sampled_from(["", ".keras", ".h5", ".pt", ".onnx"]))
def test_any_content_is_told_in_words(tmp_path_factory: pytest.TempPathFactory, content: bytes, suffix: str) -> None:
    path = tmp_path_factory.getbasetemp() / f"any{suffix}"
    path.write_bytes(content)
    found = unsuitable(path, content)
    assert found.isprintable()
    assert bool(found) or content.startswith((b"PK\x03\x04", HDF5[:8]))


def test_an_unpacked_archive_is_named(tmp_path: Path) -> None:
    (tmp_path / "config.json").write_text("{}")
    with pytest.raises(ModelError, match=r"an unpacked \.keras file.*make_archive"):
        find_model(tmp_path)


def test_a_folder_without_a_saved_model_is_reported(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match=r"contains no saved_model\.pb"):
        find_model(str(tmp_path))


def test_a_saved_model_of_git_lfs_pointers_is_reported(tmp_path: Path) -> None:
    (tmp_path / "saved_model.pb").write_bytes(b"graph")
    (tmp_path / "variables").mkdir()
    (tmp_path / "variables" / "variables.index").write_bytes(POINTER)
    with pytest.raises(ModelError, match=r"variables\.index.*git lfs pull"):
        find_model(str(tmp_path))


def test_a_model_is_named_after_its_file_or_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "mine.v2.keras").write_bytes(ZIP)
    (tmp_path / "mine.h5").write_bytes(HDF5)
    (tmp_path / "mine.v3").mkdir()
    (tmp_path / "mine.v3" / "saved_model.pb").write_bytes(b"graph")
    assert find_model(tmp_path / "mine.v2.keras").name == "mine.v2"
    assert find_model(tmp_path / "mine.h5").name == "mine"
    assert find_model(tmp_path / "mine.v3").name == "mine.v3"
    (tmp_path / "m\x1bine.h5").write_bytes(HDF5)
    assert find_model(tmp_path / "m\x1bine.h5").name.isprintable()
    monkeypatch.chdir(tmp_path / "mine.v3")
    assert find_model(".").name == "mine.v3"


def test_only_ready_models_have_a_record(tmp_path: Path) -> None:
    """A .json file beside the user's model may belong to another model."""
    ready = find_model("mlp").path
    for path in (ready, ready.with_suffix(".json")):
        shutil.copy(path, tmp_path)
    assert find_model("mlp").record["pixel_range"] == "0..1"
    assert find_model(tmp_path / "mlp.keras").record == {}
    assert find_model(TEACHERS[0]).record["pixel_range"] == "0..1"


def test_the_digest_of_a_file_is_its_sha256(tmp_path: Path) -> None:
    (tmp_path / "mine.h5").write_bytes(HDF5)
    assert find_model(tmp_path / "mine.h5").sha256 == hashlib.sha256(HDF5).hexdigest()


def test_the_digest_of_a_folder_depends_on_names_and_contents(tmp_path: Path) -> None:
    def digest(folder: str, files: dict[str, bytes]) -> str:
        for name, content in files.items():
            (tmp_path / folder / name).parent.mkdir(parents=True, exist_ok=True)
            (tmp_path / folder / name).write_bytes(content)
        return find_model(tmp_path / folder).sha256

    first = digest("a", {"saved_model.pb": b"1", "variables/x": b"2"})
    assert digest("b", {"variables/x": b"2", "saved_model.pb": b"1"}) == first
    others = [
        digest("c", {"saved_model.pb": b"1", "variables/y": b"2"}),
        digest("d", {"saved_model.pb": b"1", "variables/x": b"3"}),
        digest("e", {"saved_model.pb": b"2", "variables/x": b"1"}),
        digest("f", {"saved_model.pb": b"1", "variables/x": b"2", "assets/words": b""}),
        digest("g", {"saved_model.pb": b"1", "variables/\udcff": b"2"}),
    ]
    assert len({first, *others}) == 6
    # The lines are in the order of the paths, whatever the order in the folder.
    files = {"saved_model.pb": b"g"} | {f"variables/{number * 7 % 10}": bytes([number]) for number in range(10)}
    lines = [f"{hashlib.sha256(files[name]).hexdigest()}  {name}\n" for name in sorted(files)]
    assert digest("h", files) == hashlib.sha256("".join(lines).encode()).hexdigest()


def test_a_file_that_may_not_be_read_is_reported(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def denied(*_: object) -> None:
        raise PermissionError(13, "Permission denied")

    (tmp_path / "mine.h5").write_bytes(HDF5)
    monkeypatch.setattr(Path, "open", denied)
    with pytest.raises(ModelError, match=r"cannot be read: Permission denied\. Check its permissions\."):
        find_model(tmp_path / "mine.h5")


def test_an_architecture_that_is_trained_already_is_to_be_given_by_its_path(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The advice to train it would lead to the same error again."""
    monkeypatch.chdir(tmp_path)
    Path("trained").mkdir()
    Path("trained/lenet.keras").write_bytes(b"PK")
    with pytest.raises(UsageError, match=r"not a ready model\. Give trained/lenet\.keras\.$"):
        find_model("lenet")

import hashlib
from pathlib import Path

from mnist_trainer.model_io.digest import model_digest


def test_a_file_has_its_sha256(tmp_path: Path) -> None:
    (tmp_path / "mine.h5").write_bytes(b"content")
    assert model_digest(tmp_path / "mine.h5") == hashlib.sha256(b"content").hexdigest()


def test_a_folder_is_known_by_its_names_and_contents(tmp_path: Path) -> None:
    def made(folder: str, files: dict[str, bytes]) -> str:
        for name, content in files.items():
            (tmp_path / folder / name).parent.mkdir(parents=True, exist_ok=True)
            (tmp_path / folder / name).write_bytes(content)
        return model_digest(tmp_path / folder)

    first = made("a", {"saved_model.pb": b"1", "variables/x": b"2"})
    assert first == made("b", {"variables/x": b"2", "saved_model.pb": b"1"})
    others = [
        made("c", {"saved_model.pb": b"1", "variables/y": b"2"}),
        made("d", {"saved_model.pb": b"1", "variables/x": b"3"}),
        made("e", {"saved_model.pb": b"2", "variables/x": b"1"}),
        made("f", {"saved_model.pb": b"1", "variables/x": b"2", "assets/words": b""}),
    ]
    assert len({first, *others}) == 5

"""``mnist-runtime label``: questions and answers in the terminal."""

import dataclasses
import io
import re
import subprocess
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from tests.runtime.conftest import Digits

from mnist_runtime import Artifact
from mnist_runtime.artifact.container import MANIFEST_ENTRY
from mnist_runtime.cli.serve import picture_as_text
from mnist_tools.stress.model_files import Ready, archive_of, entries_of, resealed

Label = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture
def label(
    tmp_path: Path,
    legible: Digits,
    here: Callable[..., subprocess.CompletedProcess[str]],
    monkeypatch: pytest.MonkeyPatch,
) -> Label:
    """Return a function that labels the pictures of a 1, a 3 and a 7, and one that is damaged, with these answers."""
    for name, index in (("a", 2), ("b", 6), ("c", 14)):
        Image.fromarray(legible.images[index]).save(tmp_path / f"{name}.png")
    (tmp_path / "d.png").write_text("not a picture")

    def label(answers: str, *options: object) -> subprocess.CompletedProcess[str]:
        monkeypatch.setattr("sys.stdin", io.StringIO(answers))
        return here("mnist-runtime", "label", tmp_path, *options)

    return label


def with_labels(path: Path, labels: tuple[str, ...], folder: Path) -> Path:
    """Write the ready model with other labels into a new folder."""
    file = Ready.read("tflite")
    manifest = dataclasses.replace(Artifact.open(path).manifest, labels=labels, schema=2)
    archive = archive_of({**entries_of(file.archive), MANIFEST_ENTRY: manifest.to_json().encode()})
    folder.mkdir()
    model = folder / "signs.tflite"
    model.write_bytes(resealed(file.model + archive))
    return model


def files(folder: Path) -> list[str]:
    return sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file())


def test_enter_takes_the_guess_and_other_answers_are_taken(tmp_path: Path, label: Label) -> None:
    done = label("\n5\n+\n\n-\n")
    assert (done.returncode, files(tmp_path)) == (0, [".rejected/d.png", "1/a.png", "5/b.png", "c.png"])
    assert "a.png [1]: " in done.stdout
    assert f"3 labelled, 1 left. To train: mnist-train --from cnn --data {tmp_path}" in done.stdout
    assert "d.png is a text file" in done.stderr
    assert done.stdout.count("d.png [?]: ") == 2, "without a guess, Enter asks again"


def test_answers_are_taken_back_and_wrong_ones_asked_again(tmp_path: Path, label: Label) -> None:
    done = label("4\n<\n11\n\n<\n<\n")
    assert (done.returncode, files(tmp_path)) == (0, ["a.png", "b.png", "c.png", "d.png"])
    assert "error: 11 is not a label. The labels are: 0, 1, 2" in done.stderr
    assert done.stdout.count("back: a.png") == 2
    assert "There is nothing to undo." in done.stdout
    assert done.stdout.splitlines()[-2].endswith("[1]: ")
    assert done.stdout.splitlines()[-1].startswith("0 labelled, 4 left.")


def test_the_picture_that_is_taken_back_is_shown_next(tmp_path: Path, label: Label) -> None:
    done = label("+\n5\n<\n3\n-\n<\n<\nq\n")
    assert re.findall(r"left: (\w)\.png", done.stdout) == [*"abcbcdcb"]
    done = label("5\n+\n<\nq\n")
    assert re.findall(r"left: (\w)\.png", done.stdout) == [*"abca"]
    assert files(tmp_path) == ["a.png", "b.png", "c.png", "d.png"]


def test_an_unsure_answer_is_a_guess_and_a_blank_picture_has_none(tmp_path: Path, label: Label) -> None:
    rows, columns = np.mgrid[-25:26, -25:26]
    cross = np.pad((abs(rows) < 4) | (abs(columns) < 4), 5)
    Image.fromarray(np.where(cross, 0, 255).astype(np.uint8)).save(tmp_path / "a.png")
    Image.fromarray(np.full((40, 40), 255, np.uint8)).save(tmp_path / "b.png")
    done = label("\n\nq\n")
    assert (done.stderr, "a.png [4]: " in done.stdout, done.stdout.count("b.png [?]: ")) == ("", True, 2)


def test_a_picture_that_is_gone_is_told(tmp_path: Path, label: Label, monkeypatch: pytest.MonkeyPatch) -> None:
    class Answers(io.StringIO):
        def readline(self, size: int | None = -1, /) -> str:
            (tmp_path / "a.png").unlink(missing_ok=True)
            return super().readline(size)

    monkeypatch.setattr("io.StringIO", Answers)
    done = label("1\n5\nq\n")
    assert (done.returncode, "]: 1 labelled, 2 left." in done.stdout) == (0, True)
    assert done.stderr == f"error: a.png is no longer in {tmp_path}. Go on with the next one.\n"


def test_a_label_that_is_also_a_key_is_an_answer(ready: dict[str, Path], tmp_path: Path, label: Label) -> None:
    model = with_labels(ready["tflite"], ("-", "+", "q", *"abcdefg"), tmp_path / "models")
    done = label("-\n+\nq\n", "--model", model)
    assert (done.returncode, files(tmp_path)[:3]) == (0, ["+/b.png", "-/a.png", "d.png"])
    assert (tmp_path / "q" / "c.png").exists()
    assert "mnist-train --from MODEL.keras --data" in done.stdout
    assert "Enter takes the guess; < back\n" in done.stdout


def test_a_composed_sign_is_the_label_that_a_mac_has_decomposed(
    ready: dict[str, Path], tmp_path: Path, label: Label
) -> None:
    model = with_labels(ready["tflite"], ("e\u0301", *"abcdefghi"), tmp_path / "models")
    done = label("\u00e9\n<\ne\u0301\nq\n", "--model", model)
    assert (done.returncode, files(tmp_path)[:3]) == (0, ["b.png", "c.png", "d.png"])
    assert (tmp_path / "e\u0301" / "a.png").exists()


def test_the_label_as_it_is_typed_goes_before_its_other_form(
    ready: dict[str, Path], tmp_path: Path, label: Label
) -> None:
    model = with_labels(ready["tflite"], ("\u00e9", "e\u0301", *"abcdefgh"), tmp_path / "models")
    assert label("\u00e9\ne\u0301\nq\n", "--model", model).returncode == 0
    assert (tmp_path / "\u00e9" / "a.png").exists()
    assert (tmp_path / "e\u0301" / "b.png").exists()


def test_a_pale_digit_is_shown_as_the_model_gets_it(tmp_path: Path, label: Label) -> None:
    for name in ("b.png", "c.png", "d.png"):
        (tmp_path / name).unlink()
    pixels = np.tile(np.linspace(90, 220, 300), (300, 1))
    pixels[60:240, 140:158] *= 0.6
    Image.fromarray(pixels.astype(np.uint8)).save(tmp_path / "a.png")
    shown = [line for line in label("q\n").stdout.splitlines() if "@" in line]
    assert 8 <= len(shown) <= 12
    assert all(len(line.split()) == 1 for line in shown)


def test_progress_is_shown_and_q_ends(tmp_path: Path, label: Label) -> None:
    done = label("\n-\nq\n")
    assert (done.returncode, done.stderr) == (0, "")
    assert files(tmp_path) == [".rejected/b.png", "1/a.png", "c.png", "d.png"]
    assert [line.split(":")[0] for line in done.stdout.splitlines() if " left: " in line] == [
        "4 left",
        "3 left",
        "2 left",
    ]
    assert (
        f"Pictures without any of the labels are in {tmp_path / '.rejected'}; mnist-train ignores them." in done.stdout
    )


def test_back_removes_the_folder_that_the_answer_made(tmp_path: Path, label: Label) -> None:
    (tmp_path / "5").mkdir()
    label("4\n<\n-\n<\n5\n<\nq\n")
    assert [path.name for path in sorted(tmp_path.iterdir()) if path.is_dir()] == ["5"]


def test_a_folder_without_pictures_is_said(tmp_path: Path, here: Callable[..., object]) -> None:
    done = here("mnist-runtime", "label", tmp_path)
    assert done.stdout == f"{tmp_path} has no pictures without a label.\n"
    assert here("mnist-runtime", "label", tmp_path / "none").returncode == 2


@pytest.mark.parametrize("shape", [(1, 1), (5, 400), (400, 5), (300, 300, 3), (40, 40, 4)])
def test_pictures_of_all_shapes_fit_the_terminal(shape: tuple[int, ...]) -> None:
    pixels = np.random.default_rng(0).integers(0, 256, shape, np.uint8)
    for in_blocks in (False, True):
        lines = re.sub("\x1b\\[[0-9;]*m", "", picture_as_text(pixels, in_blocks=in_blocks)).split("\n")
        assert len(lines) <= 24
        assert max(map(len, lines)) <= 56


def test_each_pixel_has_its_shade() -> None:
    pixels = np.array([[0, 255, 0], [30, 0, 0]], np.uint8)
    assert picture_as_text(pixels, in_blocks=False) == ".@"
    upper, lower = (232, 255, 232), (234, 232, 232)
    blocks = (f"\x1b[38;5;{above};48;5;{below}m\u2580" for above, below in zip(upper, lower, strict=True))
    assert picture_as_text(pixels, in_blocks=True) == "".join(blocks) + "\x1b[0m"

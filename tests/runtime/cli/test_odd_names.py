"""Names of files with control characters: none reaches the terminal, and no line is forged."""

import io
import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from mnist_runtime.errors import PictureError, first_line

ODD = "a\x1b[31mred\x9b\x07\nerror: forged"
SHOWN = r"a\x1b[31mred\x9b\x07\nerror: forged"


@pytest.mark.parametrize("words", ["classify", "read", "watch --source", "self-test", "classify x --model"])
@pytest.mark.parametrize("exists", [True, False])
def test_a_name_is_printed_as_text(
    here: Callable[..., object],
    tmp_path: Path,
    seven: np.ndarray,
    ready: dict[str, Path],
    monkeypatch: pytest.MonkeyPatch,
    words: str,
    exists: bool,
) -> None:
    if words.startswith("watch"):
        pytest.importorskip("cv2")
    monkeypatch.chdir(tmp_path)
    if exists and words.startswith(("classify", "read", "watch")):
        Image.fromarray(seven).save(ODD, "PNG")
    elif exists:
        shutil.copy(ready["tflite"], ODD)
    done = here("mnist-runtime", *words.split(), ODD)
    output = done.stdout + done.stderr
    assert all(line.isprintable() for line in output.splitlines())
    assert len(output.splitlines()) == (2 if done.returncode == 0 and words == "self-test" else 1)
    assert SHOWN in output or words == "self-test"


def test_a_picture_of_several_digits_names_the_next_command_as_text(
    here: Callable[..., object], tmp_path: Path, seven: np.ndarray
) -> None:
    path = tmp_path / f"{ODD}.png"
    Image.fromarray(np.hstack([seven, seven])).save(path)
    done = here("mnist-runtime", "classify", path)
    assert "Use: mnist-runtime read" in done.stdout
    assert (done.stdout.count("\n"), done.stdout[:-1].isprintable()) == (1, True)


def test_a_picture_to_label_and_its_folder_are_named_as_text(
    here: Callable[..., object], tmp_path: Path, seven: np.ndarray, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "my pictures"
    folder.mkdir()
    Image.fromarray(seven).save(folder / ODD, "PNG")
    monkeypatch.setattr("sys.stdin", io.StringIO("7\n"))
    done = here("mnist-runtime", "label", folder)
    assert f"1 left: {SHOWN} [7]: -> 7/{SHOWN}\n" in done.stdout
    assert done.stdout.endswith(f"--data '{folder}'\n")


def test_errors_of_libraries_become_one_line_of_text() -> None:
    assert first_line(ValueError("\x1b]0;title\x07bad\r\nmore")) == r"\x1b]0;title\x07bad"
    assert str(PictureError("two\nlines")) == r"two\nlines"

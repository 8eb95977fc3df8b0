"""The subcommand read."""

import gc
import json
import shlex
import stat
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from mnist_runtime import Prediction
from mnist_runtime.artifact.task import Task
from mnist_runtime.cli import main as cli

Run = Callable[..., object]
RunRead = Callable[..., tuple[int, str, str]]


@pytest.fixture(scope="module")
def rows(golden: np.ndarray) -> np.ndarray:
    """A page of two rows, 3 7 and 1 0 2, with digits 80 pixels high."""
    place_of = {6: 0, 1: 1, 4: 2, 8: 3, 2: 4, 5: 5, 0: 6, 9: 7, 3: 8, 7: 9}
    page = Image.new("L", (320, 480), 235)
    for row, digits in enumerate(((3, 7), (1, 0, 2))):
        for column, digit in enumerate(digits):
            stroke = Image.fromarray(golden[place_of[digit]][4:24, 4:24]).resize((80, 80), Image.Resampling.BICUBIC)
            page.paste(30, (round((column + 0.5) * 320 / len(digits)) - 40, 80 + 240 * row), stroke)
    return np.asarray(page.convert("RGB"))


@pytest.fixture
def page(tmp_path: Path, rows: np.ndarray) -> Path:
    Image.fromarray(rows).save(tmp_path / "page.png")
    return tmp_path / "page.png"


@pytest.fixture
def run_read(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Iterator[RunRead]:
    """Run the command in this process; return its exit code, stdout and stderr."""

    def run_read(*words: object) -> tuple[int, str, str]:
        monkeypatch.setattr("sys.argv", ["mnist-runtime", "read", *map(str, words)])
        with pytest.raises(SystemExit) as left:
            cli.main()
        return left.value.code, *capsys.readouterr()

    threshold = gc.get_threshold()
    yield run_read
    gc.set_threshold(*threshold)  # the command changes both
    gc.unfreeze()


def test_each_digit_has_a_line_in_reading_order(run: Run, page: Path) -> None:
    done = run("mnist-runtime", "read", page)
    assert (done.returncode, done.stderr) == (0, "")
    lines = [line.removeprefix(f"{page}: ").replace(",", "").split() for line in done.stdout.splitlines()]
    assert [(int(words[0]), int(words[3])) for words in lines] == [(3, 1), (7, 1), (1, 2), (0, 2), (2, 2)]
    for words in lines:
        assert (words[1][0], words[1][-2:], words[2], words[4]) == ("(", "%)", "row", "box")
        left, top, right, bottom = map(int, words[5:])
        assert 0 <= left < right <= 320
        assert 70 < bottom - top < 90
        assert (top > 240) == (words[3] == "2")


def test_json_is_one_object(run_read: RunRead, page: Path) -> None:
    code, stdout, stderr = run_read("--json", page, page)
    assert (code, stderr) == (0, "")
    found = json.loads(stdout)
    facts = {"schema", "model", "format", "precision", "image_shape", "labels", "preparation", "rejects_non_digits"}
    assert set(found) == {*facts, "backend", "backend_version", "results"}
    assert (found["image_shape"], found["labels"], found["preparation"]) == ([28, 28], [*"0123456789"], "mnist")
    assert (found["schema"], found["precision"]) == (1, "int8")
    first, second = found["results"]
    assert first == second
    assert first["file"] == str(page)
    assert (first["height"], first["width"]) == (480, 320)
    assert [reading["digit"] for reading in first["readings"]] == [3, 7, 1, 0, 2]
    for reading in first["readings"]:
        assert set(reading) == {"digit", "label", "confidence", "top", "reason", "box", "row"}
        assert reading["reason"] is None
        assert reading["top"] == [{key: reading[key] for key in ("digit", "label")} | {"score": reading["confidence"]}]
        assert reading["label"] == str(reading["digit"])
        assert 0.5 < reading["confidence"] <= 1
        assert all(isinstance(side, int) for side in reading["box"])


def test_an_empty_page_has_no_digits(run_read: RunRead, tmp_path: Path) -> None:
    Image.new("L", (300, 200), 230).save(tmp_path / "page.png")
    assert run_read(tmp_path / "page.png") == (0, f"{tmp_path / 'page.png'}: no digit\n", "")
    code, stdout, _ = run_read("--json", tmp_path / "page.png")
    assert (code, json.loads(stdout)["results"][0]["readings"]) == (0, [])
    code, _, _ = run_read(tmp_path / "page.png", "--annotate", tmp_path / "marked.png")
    assert code == 0
    assert Image.open(tmp_path / "marked.png").getextrema() == ((230, 230),) * 3


def test_other_symbols_are_printed_only_with_all(
    run_read: RunRead, page: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Raise the threshold for 7, so that no 7 counts as a digit."""
    of = Prediction.of

    def strict(scores: np.ndarray, threshold: float, task: Task) -> Prediction:
        return of(scores, 1.1 if scores.argmax() == 7 else threshold, task)

    monkeypatch.setattr(Prediction, "of", strict)
    code, few, note = run_read(page)
    assert (code, few.count("\n"), few.count("no digit")) == (0, 4, 0)
    assert note == f"{page}: 1 symbol has no answer. To print it too: --all\n"
    code, more, note = run_read(page, "--all")
    assert note == ""
    (line,) = [line for line in more.splitlines() if "no digit" in line]
    assert (code, more.count("\n")) == (0, 5)
    assert line.startswith(f"{page}: no digit; most likely: 7 (")
    assert ", row 1, box " in line
    code, stdout, _ = run_read(page, "--all", "--json")
    found = json.loads(stdout)["results"][0]["readings"]
    assert [one["digit"] for one in found] == [3, None, 1, 0, 2]
    assert [one["reason"] for one in found] == [None, "unsure", None, None, None]
    assert (found[1]["top"][0]["digit"], found[1]["top"][0]["score"]) == (7, found[1]["confidence"])


@pytest.mark.parametrize("orientation", range(1, 9))
def test_boxes_and_copy_are_those_of_the_upright_picture(
    run_read: RunRead, tmp_path: Path, page: Path, rows: np.ndarray, orientation: int
) -> None:
    turns = Image.Transpose
    inverse = {
        2: turns.FLIP_LEFT_RIGHT,
        3: turns.ROTATE_180,
        4: turns.FLIP_TOP_BOTTOM,
        5: turns.TRANSPOSE,
        6: turns.ROTATE_90,
        7: turns.TRANSVERSE,
        8: turns.ROTATE_270,
    }
    upright = Image.fromarray(rows)
    stored = upright.transpose(inverse[orientation]) if orientation in inverse else upright
    exif = Image.Exif()
    exif[0x112] = orientation
    stored.save(tmp_path / "turned.png", exif=exif)
    _, wanted, _ = run_read(page)
    code, found, _ = run_read(tmp_path / "turned.png", "--annotate", tmp_path / "marked.png")
    assert code == 0
    assert found.replace("turned.png", "page.png") == wanted
    marked = Image.open(tmp_path / "marked.png")
    assert (marked.size, marked.getexif().get(0x112, 1)) == (upright.size, 1)
    assert np.array_equal(np.asarray(marked)[:40], rows[:40])


def test_the_annotated_copy_differs_only_around_the_boxes(run_read: RunRead, page: Path, rows: np.ndarray) -> None:
    marked = page.with_name("marked.png")
    marked.write_bytes(b"an older one")
    code, stdout, stderr = run_read("--json", page, "--annotate", marked)
    assert (code, stderr) == (0, "")
    shown = np.asarray(Image.open(marked))
    differs = (shown != rows).any(axis=2)
    around = np.zeros(differs.shape, bool)
    for reading in json.loads(stdout)["results"][0]["readings"]:
        left, top, right, bottom = reading["box"]
        assert not differs[top:bottom, left:right].any()
        assert differs[top - 1, left:right].all()
        around[top - 40 : bottom + 40, left - 5 : right + 40] = True
    assert not (differs & ~around).any()
    assert {path.name for path in page.parent.iterdir()} == {"page.png", "marked.png"}
    assert stat.S_IMODE(marked.stat().st_mode) == stat.S_IMODE(page.stat().st_mode)


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("page.png", "would overwrite the picture"),
        ("link.png", "would overwrite the picture"),
        ("marked.jpg", "must end in .png"),
        ("marked", "must end in .png"),
        ("nowhere/marked.png", "its folder does not exist"),
        ("folder.png", "its folder does not exist"),
    ],
)
def test_an_unsuitable_annotate_path_is_rejected(run_read: RunRead, page: Path, name: str, words: str) -> None:
    (page.parent / "folder.png").mkdir()
    (page.parent / "link.png").hardlink_to(page)
    content = page.read_bytes()
    code, stdout, stderr = run_read(page, "--annotate", page.parent / name)
    assert (code, stdout) == (2, "")
    assert words in stderr
    assert page.read_bytes() == content
    assert {path.name for path in page.parent.iterdir()} == {"page.png", "folder.png", "link.png"}


def test_annotating_takes_one_file(run_read: RunRead, page: Path) -> None:
    code, stdout, stderr = run_read(page, page, "--annotate", page.with_name("marked.png"))
    assert (code, stdout) == (2, "")
    assert "takes one FILE" in stderr


def test_a_failed_write_keeps_the_answer_and_the_existing_file(
    run_read: RunRead, page: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    marked = page.with_name("marked.png")
    marked.write_bytes(b"an older one")

    def full(image: Image.Image, place: Path) -> None:
        place.write_bytes(b"half")
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Image.Image, "save", full)
    code, stdout, stderr = run_read(page, "--annotate", marked)
    assert code == 2
    assert stdout.count(f"{page}: ") == 5  # the answer is not lost
    assert stderr.count("error: ") == stderr.count("No space left") == 1
    code, stdout, stderr = run_read("--json", page, "--annotate", marked)
    assert (code, len(json.loads(stdout)["results"][0]["readings"])) == (2, 5)
    monkeypatch.setattr("sys.argv", ["mnist-runtime", "regions", str(page), "--annotate", str(marked)])
    with pytest.raises(SystemExit) as left:
        cli.main()
    stdout, stderr = capsys.readouterr()
    assert left.value.code == 2
    assert stdout.count("[[") > 0
    assert "No space left" in stderr
    assert marked.read_bytes() == b"an older one"
    assert {path.name for path in page.parent.iterdir()} == {"page.png", "marked.png"}


def test_a_damaged_file_does_not_stop_the_others(run_read: RunRead, page: Path) -> None:
    damaged = page.with_name("damaged.png")
    content = page.read_bytes()
    damaged.write_bytes(content[: len(content) // 2])
    code, stdout, stderr = run_read(damaged, page, page.with_name("missing.png"))
    assert code == 6
    assert stdout.count(f"{page}: ") == 5
    assert [line.split(":")[0] for line in stderr.splitlines()] == ["error", "error"]
    code, stdout, stderr = run_read("--json", damaged, page)
    bad, good = json.loads(stdout)["results"]
    assert (code, good["file"], len(good["readings"])) == (6, str(page), 5)
    assert (set(bad), bad["file"], stderr) == ({"file", "error"}, str(damaged), f"error: {bad['error']}\n")
    code, stdout, stderr = run_read(damaged, "--annotate", page.with_name("marked.png"))
    assert (code, stdout) == (6, "")
    assert not page.with_name("marked.png").exists()


def test_an_error_names_its_file(run_read: RunRead, page: Path) -> None:
    stack = page.with_name("stack.npy")
    np.save(stack, np.zeros((5, 28, 28), np.uint8))
    code, stdout, stderr = run_read(stack, page)
    assert (code, stdout.count(f"{page}: ")) == (6, 5)
    assert stderr.startswith(f"error: {stack}: The picture has shape (5, 28, 28)")
    assert stderr.count(str(stack)) == stderr.count("\n") == 1


def test_the_copy_is_written_though_stdout_is_closed(command_line: Callable[[str], list[str]], page: Path) -> None:
    marked = page.with_name("marked.png")
    words = shlex.join([*command_line("mnist-runtime"), "read", str(page), "--annotate", str(marked)])
    done = subprocess.run(
        ["bash", "-c", f"PYTHONUNBUFFERED=1 {words} | true; echo ${{PIPESTATUS[0]}}"],
        capture_output=True,
        text=True,
        check=True,
    )
    assert (done.stdout, done.stderr) == ("141\n", "")
    with Image.open(marked) as copy:
        assert copy.size == (320, 480)


def test_wrong_usage_exits_with_2(run: Run) -> None:
    for words in ([], ["x.png", "--backend", "x"]):
        done = run("mnist-runtime", "read", *words)
        assert (done.returncode, done.stdout) == (2, "")

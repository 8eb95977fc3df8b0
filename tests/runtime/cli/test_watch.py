"""The subcommand watch."""

import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest

from mnist_runtime import read
from mnist_runtime.cli import main as cli
from mnist_runtime.reading.metering.regions import propose_regions, regions_as_toml

cv2 = pytest.importorskip("cv2")
film_tools = pytest.importorskip("mnist_tools.rendering.film")

Run = Callable[..., subprocess.CompletedProcess[str]]
MOST_PROBED = 5_000_000
"""Bytes of a pipe that FFmpeg reads before it starts."""
LINES = [(14, "3"), (30, ""), (40, "7"), (54, ""), (64, "72")]
"""Frame and digits of each line for `film`."""


@pytest.fixture(scope="module")
def pages(legible: object) -> dict[str, np.ndarray]:
    first = {digit: legible.images[legible.labels == digit][0] for digit in (3, 7, 2)}
    return {
        text: film_tools.page_of([first[int(digit)] for digit in text], (120, 160)) for text in ("", "3", "7", "72")
    }


@pytest.fixture(scope="module")
def film(pages: dict[str, np.ndarray], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A video with ten frames per second: three scenes of 1.5 seconds, each after a pause of one second."""
    scenes = [(pages[text], count) for digits in ("3", "7", "72") for text, count in (("", 10), (digits, 15))]
    return film_tools.write_film(tmp_path_factory.mktemp("film") / "film.avi", scenes, rate=10)


@pytest.fixture
def watch_command(command_line: Callable[[str], list[str]]) -> Iterator[list[str]]:
    """The command up to its source. Processes that it starts react to SIGINT even if the tests ignore it."""
    handler = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield [*command_line("mnist-runtime"), "watch", "--source"]
    signal.signal(signal.SIGINT, handler)


@pytest.fixture
def camera(pages: dict[str, np.ndarray], tmp_path: Path) -> Iterator[Path]:
    """A pipe with an endless stream of JPEGs that show a three."""
    pipe = tmp_path / "camera"
    os.mkfifo(pipe)
    picture = cv2.imencode(".jpg", pages["3"])[1].tobytes()

    def show() -> None:
        try:
            with pipe.open("wb", buffering=0) as stream:
                for _ in range(MOST_PROBED // len(picture) + 1):
                    stream.write(picture)
                while True:
                    stream.write(picture)
                    time.sleep(0.02)
        except BrokenPipeError:
            pass

    shower = threading.Thread(target=show)
    shower.start()
    yield pipe
    while shower.is_alive():  # it may wait for a reader, if the test never opened the pipe, or end at any moment
        os.close(os.open(pipe, os.O_RDONLY | os.O_NONBLOCK))
        shower.join(0.1)


def lines_of(stdout: str) -> list[tuple[int, str]]:
    lines = [json.loads(line) for line in stdout.splitlines()]
    return [(line["frame"], "".join(str(reading["digit"]) for reading in line["readings"])) for line in lines]


@pytest.mark.long
def test_a_video_of_three_scenes_gives_these_lines(run: Run, film: Path) -> None:
    done = run("mnist-runtime", "watch", "--source", film)
    assert (done.returncode, done.stderr) == (0, "")
    assert lines_of(done.stdout) == LINES
    for line in map(json.loads, done.stdout.splitlines()):
        assert set(line) == {"seconds", "frame", "readings"}
        assert line["seconds"] == pytest.approx(line["frame"] / 10)
        for reading in line["readings"]:
            assert set(reading) == {"digit", "label", "confidence", "top", "reason", "box", "row"}
            assert 0.5 < reading["confidence"] <= 1
            left, top, right, bottom = reading["box"]
            assert 0 <= left < right <= 160
            assert 0 <= top < bottom <= 120


def test_rate_and_steady_change_the_lines_and_doubtful_digits_are_kept(run: Run, film: Path, tmp_path: Path) -> None:
    doubtful = ("--keep-doubtful", tmp_path, "--doubtful-below", 1)
    done = run("mnist-runtime", "watch", "--source", film, "--rate", 2, "--steady", 1, *doubtful)
    assert lines_of(done.stdout) == [(10, "3"), (25, ""), (35, "7"), (50, ""), (60, "72")]
    assert sorted(path.name.split("_")[1] for path in tmp_path.iterdir()) == [*"2377"]


@pytest.mark.parametrize("kind", ["missing", "junk", "cut", "picture", "camera"])
def test_an_unusable_source_exits_with_6_and_one_line(run: Run, film: Path, tmp_path: Path, kind: str) -> None:
    source: object = tmp_path / "film.avi"
    content = film.read_bytes()
    if kind in ("junk", "cut"):
        (tmp_path / "film.avi").write_bytes(content[: len(content) // 2] if kind == "cut" else b"no film" * 999)
    elif kind == "picture":
        source = tmp_path / "film.png"
        cv2.imwrite(str(source), np.full((40, 40, 3), 230, np.uint8))
    elif kind == "camera":
        source = 9
    done = run("mnist-runtime", "watch", "--source", source)
    assert done.returncode == 6
    assert done.stderr.startswith("error: ")
    assert done.stderr.count("\n") == 1
    lines = lines_of(done.stdout)
    assert lines == LINES[: len(lines)]  # the lines before the cut
    assert bool(lines) == (kind == "cut")


def test_without_opencv_the_install_command_is_printed(run: Run, film: Path, tmp_path: Path) -> None:
    (tmp_path / "cv2.py").write_text("raise ModuleNotFoundError(\"No module named 'cv2'\", name='cv2')")
    done = run("mnist-runtime", "watch", "--source", film, PYTHONPATH=str(tmp_path))
    assert (done.returncode, done.stdout) == (4, "")
    assert "pip install 'opencv-python-headless>=4.6'" in done.stderr
    assert done.stderr.count("\n") == 1


@pytest.mark.parametrize(("request_to_end", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_a_signal_stops_it(watch_command: list[str], camera: Path, request_to_end: signal.Signals, code: int) -> None:
    with subprocess.Popen(
        [*watch_command, camera], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        assert lines_of(process.stdout.readline())[0][1] == "3"  # flushed at once
        process.send_signal(request_to_end)
        stdout, stderr = process.communicate(timeout=60)
    assert (process.returncode, stdout, stderr) == (code, "", "stopped\n" if code == 130 else "")


def test_it_stops_when_stdout_is_closed_even_without_changes(watch_command: list[str], camera: Path) -> None:
    with subprocess.Popen(
        [*watch_command, camera], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        assert process.stdout.readline()
        process.stdout.close()
        assert process.wait(timeout=60) == 141
        assert process.stderr.read() == ""


def test_it_stops_at_the_end_of_a_pipe(watch_command: list[str], pages: dict[str, np.ndarray]) -> None:
    picture = cv2.imencode(".jpg", pages["7"])[1].tobytes()
    words = [*watch_command, "/dev/stdin", "--steady", "1"]
    done = subprocess.run(words, input=20 * picture, capture_output=True, check=False)
    assert (done.returncode, done.stderr) == (0, b"")
    assert [digits for _, digits in lines_of(done.stdout.decode())] == ["7"]


def test_opencv_is_imported_only_to_watch(run: Run, film: Path) -> None:
    show = "import sys, mnist_runtime.cli.pictures, mnist_runtime.cli.watch; print('cv2' in sys.modules)"
    assert run("python", "-c", show).stdout == "False\n"


@pytest.mark.parametrize(
    "words",
    [
        [],
        ["--source", "0", "--rate", "0"],
        ["--source", "0", "--rate", "nan"],
        ["--source", "0", "--rate", "often"],
        ["--source", "0", "--steady", "0"],
        ["--source", "0", "--backend", "x"],
        ["--source", "0", "--regions", "a.toml", "--start", "12"],
        ["--source", "0", "--regions", "a.toml", "--start", "water=-1"],
        ["--source", "0", "--regions", "a.toml", "--start", "water=nan"],
    ],
)
def test_wrong_usage_exits_with_2(
    words: list[str], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("sys.argv", ["mnist-runtime", "watch", *words])
    with pytest.raises(SystemExit) as left:
        cli.main()
    assert left.value.code == 2
    assert capsys.readouterr().out == ""


def test_a_signal_stops_it_while_a_source_opens(watch_command: list[str], tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "silent")
    with (
        subprocess.Popen(
            [*watch_command, tmp_path / "silent"], stdout=subprocess.PIPE, stderr=subprocess.PIPE
        ) as process,
        (tmp_path / "silent").open("wb"),
    ):  # waits for the reader
        process.send_signal(signal.SIGTERM)
        assert process.communicate(timeout=20) == (b"", b"")
    assert process.returncode == 143


def test_the_value_of_a_region_is_read_and_stored(run: Run, pages: dict[str, np.ndarray], tmp_path: Path) -> None:
    readings = read(pages["72"])
    (tmp_path / "meter.toml").write_text(regions_as_toml(propose_regions([readings], pages["72"])), encoding="utf-8")
    film = film_tools.write_film(
        tmp_path / "film.avi", [(pages["72"], 15), (pages[""], 10), (pages["72"], 10)], rate=10
    )
    words = ("--source", film, "--rate", 10, "--regions", tmp_path / "meter.toml", "--csv", tmp_path / "meter.csv")
    done = run("mnist-runtime", "watch", *words, "--keep-doubtful", tmp_path / "doubtful", "--doubtful-below", 1)
    assert done.returncode == 0, done.stderr
    found = [json.loads(line)["values"][0] for line in done.stdout.splitlines()]
    assert [(value["value"], value["digits"], value["state"]) for value in found] == [
        (72, "72", "good"),
        (72, "??", "unreadable"),
        (72, "72", "good"),
    ]
    lines = (tmp_path / "meter.csv").read_text("utf-8").splitlines()
    assert [line.split(",")[1:4] for line in lines[1:]] == [["value-1", "72.0", ""]] * 3
    assert len(list((tmp_path / "doubtful").iterdir())) == 4, "two digits, twice"
    assert "note: The first value of value-1 is taken as it is read" in done.stderr

    full = ("--keep-doubtful", "/proc", "--doubtful-below", 1) if sys.platform == "linux" else ()
    again = run("mnist-runtime", "watch", *words, "--start", "value-1=90", *full)
    assert (again.returncode, "note: The first value" in again.stderr) == (0, False)
    assert ("warning: A doubtful picture is left out." in again.stderr) == bool(full), "it goes on"
    assert json.loads(again.stdout.splitlines()[0])["values"][0]["state"] == "falls"
    other = run("mnist-runtime", "watch", *words, "--start", "water=90")
    assert (other.returncode, other.stdout) == (2, "")
    assert "has no value 'water'. It has: value-1." in other.stderr


@pytest.mark.parametrize(
    "options", [("--csv", "a.csv"), ("--mqtt", "mqtt://x"), ("--mqtt-credentials", "file"), ("--start", "a=1")]
)
def test_options_of_values_need_regions(run: Run, options: tuple[str, ...]) -> None:
    done = run("mnist-runtime", "watch", "--source", "0", *options)
    assert (done.returncode, done.stdout) == (2, "")
    assert f"{options[0]} needs --regions" in done.stderr


def test_credentials_need_a_broker(run: Run) -> None:
    done = run("mnist-runtime", "watch", "--source", "0", "--regions", "meter.toml", "--mqtt-credentials", "file")
    assert (done.returncode, done.stderr) == (2, "error: --mqtt-credentials needs --mqtt URL.\n")

"""The commands and programs in `runtime/README.md` work."""

import configparser
import re
import shlex
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

RUNTIME = Path(__file__).parents[3] / "runtime"
PAGE = (RUNTIME / "README.md").read_text()
BLOCKS = re.findall(r"^```(\w+)\n(.*?)^```", PAGE, re.M | re.S)
PYTHON = [text for kind, text in BLOCKS if kind == "python"]


def test_the_first_program_prints_a_digit(tmp_path: Path, seven: np.ndarray) -> None:
    Image.fromarray(seven).save(tmp_path / "photo.jpg")
    done = subprocess.run([sys.executable, "-c", PYTHON[0]], cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith("7 0.")


def test_the_camera_program_prints_digits(tmp_path: Path, seven: np.ndarray) -> None:
    """Run it with a replacement for the camera that shows a seven twice and then stops."""
    (tmp_path / "picamera2.py").write_text(
        "import numpy as np\n"
        "class Picamera2:\n"
        "    shots = 0\n"
        "    def create_still_configuration(self, main): assert main['format'] == 'RGB888'\n"
        "    def configure(self, configuration): pass\n"
        "    def start(self): pass\n"
        "    def capture_array(self):\n"
        "        self.shots += 1\n"
        "        if self.shots > 2: raise SystemExit(0)\n"
        "        return np.load('seven.npy')\n"
    )
    np.save(tmp_path / "seven.npy", seven)
    program = PYTHON[1].replace("time.sleep(1)", "time.sleep(0)")
    done = subprocess.run([sys.executable, "-c", program], cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert re.fullmatch(r"(7 \(\d+%\)\n){2}", done.stdout)


def test_the_watching_program_prints_each_change(tmp_path: Path, seven: np.ndarray) -> None:
    (tmp_path / "picamera2.py").write_text(
        "import numpy as np\n"
        "class Picamera2:\n"
        "    shots = 0\n"
        "    def create_video_configuration(self, main): assert main['format'] == 'RGB888'\n"
        "    def configure(self, configuration): pass\n"
        "    def start(self): pass\n"
        "    def capture_array(self):\n"
        "        self.shots += 1\n"
        "        if self.shots > 10: raise SystemExit(0)\n"
        "        seven = np.load('seven.npy')\n"
        "        return seven if self.shots <= 5 else np.full_like(seven, 250)\n"
    )
    np.save(tmp_path / "seven.npy", np.pad(seven, [(60, 60), (60, 60), (0, 0)], constant_values=250))
    done = subprocess.run([sys.executable, "-c", PYTHON[2]], cwd=tmp_path, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout, done.stderr) == (0, "[7]\n[]\n", "")


@pytest.mark.slow
def test_the_commands_work(
    run: Callable[..., object], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, seven: np.ndarray
) -> None:
    pytest.importorskip("cv2")
    monkeypatch.chdir(tmp_path)
    from mnist_tools.rendering.film import write_film

    for name in ("photo.jpg", "a.png", "page.jpg"):
        Image.fromarray(seven).save(tmp_path / name)
    write_film(tmp_path / "film.mp4", [(seven, 30)], kind="mp4v")
    shutil.copy(RUNTIME / "mnist_runtime" / "models" / "cnn-int8.tflite", tmp_path)
    commands = [line for kind, text in BLOCKS if kind == "sh" for line in text.splitlines() if line[:5] == "mnist"]
    assert {shlex.split(line)[1] for line in commands} >= {
        *("classify", "read", "watch", "regions", "bench", "self-test", "doctor")
    }
    for line in commands:
        words = shlex.split(line.replace("*", "a"))
        output = words.pop() if words[-2] == ">" else None
        done = run(*[word for word in words if word != ">"])
        assert done.returncode == 0, (line, done.stderr)
        assert done.stdout, line
        if output:
            Path(output).write_text(done.stdout)


def test_the_systemd_unit_is_consistent(tmp_path: Path) -> None:
    unit = configparser.ConfigParser(strict=False)
    unit.optionxform = str  # type: ignore[assignment,method-assign]  # systemd's keys have capitals
    (text,) = [text for kind, text in BLOCKS if kind == "ini"]
    unit.read_string(text)
    assert unit["Service"]["ExecStartPre"].endswith("mnist-runtime self-test")
    assert unit["Service"]["WorkingDirectory"] in unit["Service"]["ExecStart"]


def test_the_page_names_the_extras_of_the_package() -> None:
    tomllib = pytest.importorskip("tomllib")
    extras = set(tomllib.loads((RUNTIME / "pyproject.toml").read_text())["project"]["optional-dependencies"])
    named = {name for group in re.findall(r"mnist-runtime\[([\w,]+)\]", PAGE) for name in group.split(",")}
    assert named <= extras
    assert extras <= set(re.findall(r"^\| `(\w+)` \|", PAGE, re.M))

"""The device wheel in a clean environment, with each interpreter."""

import json
import subprocess
import sys
import zipfile
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from tests.shared.backend_cases import EVERY_BACKEND

from mnist_runtime import BACKENDS

pytest.importorskip("build")

RUNTIME = Path(__file__).parents[3] / "runtime"

SCORE = """
import json, sys
import numpy as np
from mnist_runtime import Classifier
images = np.load(sys.argv[1])
classifier = Classifier.load()
unwanted = {"tensorflow", "keras", "onnx", "sklearn", "mnist_trainer"}
foreign = sorted({name.split(".")[0] for name in sys.modules} & unwanted)
print(json.dumps([classifier.backend_name, classifier.predict(images).tolist(), foreign]))
"""


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("wheel")
    subprocess.run(
        [sys.executable, "-m", "build", "--wheel", "--outdir", folder, RUNTIME], check=True, capture_output=True
    )
    (wheel,) = folder.glob("*.whl")
    return wheel


def test_the_wheel_has_code_models_and_license_and_is_small(wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        names = archive.namelist()
    dist_info = {name for name in names if ".dist-info/" in name}
    assert {name.split("/")[0] for name in names} == {"mnist_runtime", wheel.name.split("-py3")[0] + ".dist-info"}
    assert {name.removeprefix("mnist_runtime/") for name in names if not name.endswith(".py")} - dist_info == {
        "models/cnn-int8.onnx",
        "models/cnn-int8.tflite",
        "py.typed",
        "serving/page/engine.js",
        "serving/page/label.html",
        "serving/page/page.css",
        "serving/page/page.html",
        "serving/page/page.js",
    }
    assert any(name.endswith("LICENSE") for name in names)
    assert wheel.stat().st_size < 280_000


@pytest.mark.parametrize(
    "backend",
    [  # `scripts/tool release wheel` tests all of them, with old and new versions
        pytest.param(*row.values, marks=[*row.marks, *([pytest.mark.slow] if row.values[0] != "litert" else [])])
        for row in EVERY_BACKEND
    ],
)
@pytest.mark.slow
def test_the_installed_wheel_classifies(
    wheel: Path, tmp_path: Path, golden: np.ndarray, backend: str, seven: np.ndarray
) -> None:
    python = tmp_path / "venv" / "bin" / "python"
    subprocess.run([sys.executable, "-m", "venv", tmp_path / "venv"], check=True)
    wanted = f"{wheel}[{','.join(filter(None, (BACKENDS[backend].extra, 'images')))}]"
    subprocess.run([python, "-m", "pip", "install", "--quiet", wanted], check=True, capture_output=True)

    np.save(tmp_path / "images.npy", golden)
    done = subprocess.run(
        [python, "-c", SCORE, tmp_path / "images.npy"], capture_output=True, text=True, check=True, cwd=tmp_path
    )
    used, answers, foreign = json.loads(done.stdout)
    assert (used, foreign, done.stderr) == (backend, [], "")
    assert sorted({*answers, 9}) == list(range(10))  # the model misreads the nine

    Image.fromarray(seven).save(tmp_path / "seven.png")
    command = python.with_name("mnist-runtime")
    shown = subprocess.run([command, "classify", tmp_path / "seven.png"], capture_output=True, text=True, check=True)
    assert ": 7 (" in shown.stdout
    assert shown.stderr == ""

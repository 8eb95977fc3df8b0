"""Fixtures of all tests: real models, real images and the files made from them, each made once a run.

Nothing of the workshop is imported at the top, so that the tests of the runtime run without it.
"""

from __future__ import annotations

import gc
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from importlib.metadata import entry_points
from pathlib import Path
from typing import TYPE_CHECKING

import hypothesis
import numpy as np
import pytest

if TYPE_CHECKING:
    from mnist_exporters import ExportReport, Original, Precision
    from mnist_trainer import Splits

os.environ["KERAS_BACKEND"] = "tensorflow"
os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"


pytest_plugins = ["tests.fixtures"]

# No test asserts speed, and a busy machine is not a failure.
hypothesis.settings.register_profile("unhurried", deadline=None)
hypothesis.settings.load_profile("unhurried")


@pytest.fixture
def here(
    monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> Iterator[Callable[..., subprocess.CompletedProcess[str]]]:
    """Run an installed command as `run` does, but in this process, which has TensorFlow already."""

    def here(program: str, *arguments: object) -> subprocess.CompletedProcess[str]:
        (command,) = entry_points(group="console_scripts", name=program)
        words = [program, *map(str, arguments)]
        monkeypatch.setattr(sys, "argv", words)
        capfd.readouterr()
        with pytest.raises(SystemExit) as left:
            command.load()()
        return subprocess.CompletedProcess(words, left.value.code, *capfd.readouterr())

    ends = {name: signal.getsignal(name) for name in (signal.SIGTERM, signal.SIGHUP)}
    yield here
    for name, handler in ends.items():  # a command takes leave of its process
        signal.signal(name, handler)
    gc.unfreeze()


@pytest.fixture(scope="session")
def digits() -> Splits:
    from mnist_trainer import load_data

    return load_data("digits")


@pytest.fixture(scope="session")
def mnist_data() -> Splits:
    from mnist_trainer import load_data
    from mnist_trainer.data import mnist

    if not mnist.is_local():
        pytest.skip("MNIST is not at hand: set MNIST_DIR")
    return load_data("mnist")


@pytest.fixture(scope="session")
def golden_images(digits: Splits) -> np.ndarray:
    from mnist_exporters import Calibration

    return Calibration.draw(digits.test, 10, seed=0).images


@pytest.fixture(scope="session")
def originals(digits: Splits) -> dict[str, Original]:
    from mnist_exporters import Original
    from mnist_trainer import READY_MODELS, find_model, load_model

    return {
        name: Original.from_keras(
            load_model(name), digits.test, name=name, sha256=find_model(name).sha256, pixel_range="0..1"
        )
        for name in READY_MODELS
    }


@pytest.fixture(scope="session")
def exported(
    tmp_path_factory: pytest.TempPathFactory,
    originals: dict[str, Original],
    digits: Splits,
    golden_images: np.ndarray,
) -> Callable[[str, str, Precision], ExportReport]:
    """Export a ready model, proven on the digits; each combination is made once."""
    from mnist_exporters import FORMATS, Calibration, ExportSpec, Reference, export

    made: dict[tuple[str, str, Precision], ExportReport] = {}
    references = {name: Reference.of(original, digits.test) for name, original in originals.items()}
    calibration = Calibration.draw(digits.train, len(digits.train), seed=0)
    folder = tmp_path_factory.mktemp("exported")

    def make(model: str, format: str, precision: Precision) -> ExportReport:
        key = (model, format, precision)
        if key not in made:
            made[key] = export(
                originals[model],
                ExportSpec(format, precision),
                folder / f"{model}-{precision}{FORMATS[format].suffix}",
                reference=references[model],
                calibration=calibration,
                golden_images=golden_images,
            )
        return made[key]

    return make


@pytest.fixture(scope="session")
def int8_tflite(exported: Callable[[str, str, Precision], ExportReport]) -> Path:
    from mnist_exporters import Precision

    path = exported("cnn", "tflite", Precision.INT8).path
    assert path is not None
    return path


@pytest.fixture(scope="session")
def int8_onnx(exported: Callable[[str, str, Precision], ExportReport]) -> Path:
    from mnist_exporters import Precision

    path = exported("cnn", "onnx", Precision.INT8).path
    assert path is not None
    return path

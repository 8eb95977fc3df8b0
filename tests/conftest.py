"""What the tests share: real models, real images, and the files made from them, once a run."""

from __future__ import annotations

import gc
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from importlib.metadata import entry_points
from pathlib import Path

import hypothesis
import numpy as np
import pytest

os.environ["KERAS_BACKEND"] = "tensorflow"
os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"

from mnist_exporters import (
    FORMATS,
    Calibration,
    ExportReport,
    ExportSpec,
    Original,
    Precision,
    Reference,
    export,
)
from mnist_runtime import BACKENDS
from mnist_trainer import READY_MODELS, Splits, load_data, load_model, mnist, model_path
from mnist_trainer.model_digest import model_digest

pytest_plugins = ["tests.fixtures"]

# No test asserts speed, and a busy machine is not a failure.
hypothesis.settings.register_profile("unhurried", deadline=None)
hypothesis.settings.load_profile("unhurried")

EVERY_PAIR = [(name, precision) for name, row in FORMATS.items() for precision in row.interfaces]
"""Each format with each of its precisions: a new row is tested without a new line here."""

DEVICE_PAIR = [(name, p) for name, p in EVERY_PAIR if name in {row.format for row in BACKENDS.values()}]
"""Those that `mnist_runtime` runs itself; the others are for devices without Python."""

REFUSED = {("tiny", "tflite", Precision.INT4)}
"""What the gate refuses on the digits: of so few weights each needs its bits."""

EVERY_EXPORT = [
    pytest.param(
        model,
        format,
        precision,
        marks=pytest.mark.slow if model == "accurate" and (format == "c" or precision != "int8") else (),
    )
    for model in READY_MODELS
    for format, precision in EVERY_PAIR
    if (model, format, precision) not in REFUSED
]
"""Each ready model in each format and precision. The largest takes its time, and is as the others are."""

EVERY_BACKEND = [
    pytest.param(
        name,
        marks=pytest.mark.skipif(
            name == "tflite-runtime" and sys.version_info >= (3, 12), reason="it has no wheel above Python 3.11"
        ),
    )
    for name in BACKENDS
]


EVERY_RUN = [
    pytest.param(backend.values[0], precision, marks=backend.marks)
    for backend in EVERY_BACKEND
    for format, precision in EVERY_PAIR
    if BACKENDS[backend.values[0]].runs((format,), str(precision))
]
"""Each backend with each precision of the files that it runs."""


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
    return load_data("digits")


@pytest.fixture(scope="session")
def mnist_data() -> Splits:
    if not mnist.at_hand():
        pytest.skip("MNIST is not at hand: set MNIST_DIR")
    return load_data("mnist")


@pytest.fixture(scope="session")
def golden_images(digits: Splits) -> np.ndarray:
    return Calibration.draw(digits.test, 10, seed=0).images


@pytest.fixture(scope="session")
def originals(digits: Splits) -> dict[str, Original]:
    return {
        name: Original.adopt(
            load_model(name), digits.test, name=name, sha256=model_digest(model_path(name)), pixel_range="0..1"
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
    path = exported("cnn", "tflite", Precision.INT8).path
    assert path is not None
    return path


@pytest.fixture(scope="session")
def int8_onnx(exported: Callable[[str, str, Precision], ExportReport]) -> Path:
    path = exported("cnn", "onnx", Precision.INT8).path
    assert path is not None
    return path

"""Fixtures of all tests: real models, real images and the files made from them, each made once per run.

Trainer and exporters are imported inside the fixtures, so that the tests of the runtime run without them.
"""

from __future__ import annotations

import fcntl
import gc
import os
import pickle
import signal
import subprocess
import sys
from collections.abc import Callable, Generator, Iterator
from functools import cache
from importlib.metadata import entry_points
from pathlib import Path
from typing import TYPE_CHECKING

import hypothesis
import numpy as np
import pytest

if TYPE_CHECKING:
    from mnist_exporters import ExportReport, ExportSession, Original, Precision
    from mnist_trainer import Splits

os.environ["KERAS_BACKEND"] = "tensorflow"
os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"


pytest_plugins = ["tests.shared.fixtures"]

# No test asserts speed, so a slow machine must not fail one.
hypothesis.settings.register_profile("no-deadline", deadline=None)
hypothesis.settings.load_profile("no-deadline")


LONG_EXAMPLES = {
    f"mnist_{name}"
    for name in (
        "exporters.files.verify",
        "exporters.pipeline.session.ExportSession",
        "exporters.reports.compare.compare",
        "trainer.evaluation.domains.Domains.measure",
        "trainer.evaluation.evaluate.evaluate",
        "trainer.evaluation.robustness.Robustness.measure",
        "trainer.training.fine_tune.fine_tune",
        "trainer.training.sweep.Sweep.run",
        "trainer.training.train.train",
    )
}
"""Examples in docstrings that train, or convert often. Those of `mnist_exporters` and `mnist_trainer` are not slow."""


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark the long examples in docstrings."""
    for item in items:
        if item.name in LONG_EXAMPLES:
            item.add_marker(pytest.mark.slow)


@pytest.hookimpl(wrapper=True)
def pytest_collection() -> Generator[None, object, object]:
    """Collect without garbage collection: nothing is garbage yet, and it takes a fifth of the time."""
    gc.disable()
    try:
        return (yield)
    finally:
        gc.enable()


@pytest.fixture
def real_trials() -> None:
    """Let `load_model` try models in a child process in this test; see `without_trials`."""


@pytest.fixture(autouse=True)
def without_trials(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Load models without a trial in a child process before, which takes a second each; test_trial.py tests it."""
    if "mnist_trainer.model_io.load" in sys.modules and "real_trials" not in request.fixturenames:
        monkeypatch.setattr("mnist_trainer.model_io.load.start_trials", lambda: None)
        monkeypatch.setattr("mnist_trainer.model_io.load.try_model", lambda *_, **__: None)


@pytest.fixture(autouse=True)
def same_signals() -> Iterator[None]:
    """Restore the handlers of signals, which a command sets before its process ends."""
    before = {name: signal.getsignal(name) for name in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)}
    yield
    for name, handler in before.items():
        if signal.getsignal(name) != handler:
            signal.signal(name, handler)


@pytest.fixture
def here(
    monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> Iterator[Callable[..., subprocess.CompletedProcess[str]]]:
    """Run an installed command as `run` does, but in this process, where TensorFlow is already imported."""

    def here(program: str, *arguments: object) -> subprocess.CompletedProcess[str]:
        (command,) = entry_points(group="console_scripts", name=program)
        words = [program, *map(str, arguments)]
        monkeypatch.setattr(sys, "argv", words)
        capfd.readouterr()
        with pytest.raises(SystemExit) as left:
            command.load()()
        return subprocess.CompletedProcess(words, left.value.code, *capfd.readouterr())

    yield here
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
        pytest.skip("MNIST is not available: set MNIST_DIR")
    return load_data("mnist")


@pytest.fixture(scope="session")
def golden_images() -> np.ndarray:
    """Return the ten digits that are stored in every export."""
    from mnist_exporters.inputs.golden import golden_digits

    return golden_digits()


@pytest.fixture(scope="session")
def sessions(digits: Splits) -> Callable[[str], ExportSession]:
    """Open the session of a ready model on scikit-learn's digits, calibrated with all training images; once each."""
    from mnist_exporters import open_session

    return cache(lambda model: open_session(model, digits, calibration_samples=len(digits.train)))


@pytest.fixture(scope="session")
def originals(sessions: Callable[[str], ExportSession]) -> dict[str, Original]:
    from mnist_trainer import READY_MODELS

    return {name: sessions(name).original for name in READY_MODELS}


@pytest.fixture(scope="session")
def exported(
    tmp_path_factory: pytest.TempPathFactory, sessions: Callable[[str], ExportSession]
) -> Callable[[str, str, Precision], ExportReport]:
    """Export a ready model; each combination of model, format and precision is made once, by one process of xdist."""
    from mnist_exporters import FORMATS, ExportSpec
    from mnist_exporters.formats.c.sizes import measure

    own = tmp_path_factory.getbasetemp()
    run = own.parent if "PYTEST_XDIST_WORKER" in os.environ else own
    folder, records = run / "exported", run / "records"
    for each in (folder, records):
        each.mkdir(exist_ok=True)
    usual = {"cortex-m4": measure.PROCESSORS["cortex-m4"]}  # tests of the sizes measure the others

    @cache
    def make(model: str, format: str, precision: Precision) -> ExportReport:
        name = f"{model}-{precision}{FORMATS[format].tag}{FORMATS[format].suffix}"
        with (records / name).open("a+b") as record, pytest.MonkeyPatch.context() as patch:
            fcntl.flock(record, fcntl.LOCK_EX)  # another process waits until the export is made
            record.seek(0)
            if content := record.read():
                return pickle.loads(content)
            patch.setattr(measure, "PROCESSORS", usual)
            report = sessions(model).export(ExportSpec(format, precision), folder / name)
            pickle.dump(report, record)
            return report

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

"""Deployments to a real ssh server with a real systemd. Slow, because pip installs NumPy and more on the device."""

import contextlib
import dataclasses
import json
import shutil
import subprocess
import time
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest
from tests.shared.ssh_server import ssh_server

from mnist_exporters import sign
from mnist_exporters.formats.seal import seal
from mnist_runtime import Artifact

pytestmark = pytest.mark.slow

READY = Path(__file__).parents[4] / "runtime" / "mnist_runtime" / "models" / "cnn-int8.tflite"

Run = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture(scope="module")
def client(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    with ssh_server(tmp_path_factory.mktemp("ssh")) as config:
        yield config


@pytest.fixture(scope="module")
def device(run: Run, client: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder, with a space in its name, into which a file has been deployed for NumPy alone."""
    folder = tmp_path_factory.mktemp("device") / "on the device"
    model = folder.parent / "my model.tflite"
    shutil.copy(READY, model)
    (folder.parent / "trusted").write_text(sign(model, client.parent / "user").trusted_line)
    done = run("mnist-export", "deploy", model, "pi", "-F", client, "--folder", folder, "--extra", "none")
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith("pi has version 1: 10 of 10 answers as recorded, run with numpy")
    return folder


@pytest.fixture
def with_wrong_scores(tmp_path: Path) -> Path:
    """Return a file with a valid digest whose recorded scores are those of other images."""
    artifact = Artifact.open(READY)
    model = artifact.content[: artifact.content.index(b"PK\x03\x04")]
    golden = dataclasses.replace(artifact.golden, scores=np.roll(artifact.golden.scores, 1, axis=0))
    path = tmp_path / "wrong.tflite"
    path.write_bytes(seal(model, artifact.manifest, golden))
    return path


def test_a_file_is_installed_and_answers(device: Path) -> None:
    current = device / "current"
    assert (current / "my model.tflite").read_bytes() == READY.read_bytes()
    assert sorted(path.name for path in device.iterdir()) == [".lock", "current", "venvs", "versions"]
    program = [current / "venv" / "bin" / "mnist-runtime", "self-test", current / "my model.tflite"]
    for words in (program, [*program, "--trusted", device.parent / "trusted"]):
        assert subprocess.run(words, check=False, capture_output=True).returncode == 0


def test_updates_keep_the_version_before_and_a_failing_one_changes_nothing(
    run: Run, client: Path, device: Path, with_wrong_scores: Path
) -> None:
    def deploy(*arguments: object) -> subprocess.CompletedProcess[str]:
        return run("mnist-export", "deploy", *arguments, "pi", "-F", client, "--folder", device, "--json")

    first = (device / "current").resolve().name
    updated = json.loads(deploy(READY, "--extra", "none").stdout)
    assert (updated["previous"], updated["model"]) == (first, f"{device}/current/cnn-int8.tflite")
    assert len(list((device / "venvs").iterdir())) == 1

    failed = deploy(with_wrong_scores, "--extra", "none")
    assert (failed.returncode, failed.stdout) == (5, "")
    assert "error: The self-test fails on pi: The answers of wrong.tflite differ" in failed.stderr
    assert failed.stderr.endswith(f" Version {updated['version']} runs as before.\n")
    assert (device / "current").resolve().name == updated["version"]
    assert len(list((device / "versions").iterdir())) == 2

    back = json.loads(deploy("--rollback").stdout)
    assert (back["version"], back["previous"]) == (first, updated["version"])
    assert json.loads(deploy("--rollback").stdout)["version"] == updated["version"]


def test_an_interrupted_deployment_leaves_no_environment_that_counts_as_complete(
    run: Run, client: Path, device: Path
) -> None:
    (made,) = (device / "venvs").iterdir()
    (made / "complete").unlink()
    shutil.rmtree(made / "lib")
    (device / "versions" / ".new-killed").mkdir()
    done = run("mnist-export", "deploy", READY, "pi", "-F", client, "--folder", device, "--extra", "none")
    assert done.returncode == 0, done.stderr
    assert not (device / "versions" / ".new-killed").exists()


def test_a_full_disk_is_named_and_leaves_no_rest(run: Run, client: Path, tmp_path: Path) -> None:
    folder = tmp_path / "small"
    folder.mkdir()
    if subprocess.run(["mount", "-t", "tmpfs", "-o", "size=30m", "none", folder], check=False).returncode:
        pytest.skip("a small disk needs root")
    try:
        done = run("mnist-export", "deploy", READY, "pi", "-F", client, "--folder", folder)
        assert (done.returncode, done.stdout) == (2, "")
        assert "error: The disk of pi is full" in done.stderr
        assert list(folder.rglob("*.tflite")) == []
        assert list((folder / "venvs").iterdir()) == []
    finally:
        subprocess.run(["umount", folder], check=True)


def test_a_device_without_network_is_named(run: Run, tmp_path: Path) -> None:
    (tmp_path / "server").mkdir()
    changes = "PIP_CONFIG_FILE=/dev/null PIP_FIND_LINKS= PIP_INDEX_URL=http://127.0.0.1:1"
    settings = f'ForceCommand {changes} /bin/sh -c "$SSH_ORIGINAL_COMMAND"\n'
    with ssh_server(tmp_path / "server", settings=settings) as client:
        done = run("mnist-export", "deploy", READY, "pi", "-F", client, "--folder", tmp_path / "device")
    assert (done.returncode, done.stdout) == (2, "")
    assert "error: pi does not reach the package index of pip. Connect it to the internet." in done.stderr


def test_a_service_runs_follows_updates_and_returns_if_a_new_one_fails(run: Run, tmp_path: Path) -> None:
    (tmp_path / "server").mkdir()
    with ssh_server(tmp_path / "server", systemd=True) as client:

        def deploy(*arguments: object) -> subprocess.CompletedProcess[str]:
            return run(
                "mnist-export", "deploy", *arguments, "pi", "-F", client, "--folder", tmp_path / "on device", "--json"
            )

        def model_of_service() -> str:
            for _ in range(100):
                with contextlib.suppress(OSError):  # it is still starting
                    return request()
                time.sleep(0.3)
            return request()

        def request() -> str:
            with urllib.request.urlopen("http://127.0.0.1:18765/manifest", timeout=20) as answer:
                return json.load(answer)["model"]

        first = deploy(READY, "--extra", "none", "--run", "serve --port 18765")
        assert first.returncode == 0, first.stderr
        assert json.loads(first.stdout)["service"].startswith("mnist-")
        (unit,) = (tmp_path / "server" / "config" / "systemd" / "user").glob("*.service")
        verify = f"XDG_RUNTIME_DIR=/run/user/0 systemd-analyze verify --user '{unit}'"
        checked = subprocess.run(["ssh", "-F", client, "pi", verify], check=False, capture_output=True, text=True)
        assert (checked.returncode, checked.stdout, checked.stderr) == (0, "", "")
        assert model_of_service() == "cnn"

        text = unit.read_text()
        failed = deploy(READY, "--extra", "none", "--run", "serve --host 0.0.0.0")  # it needs a token
        assert (failed.returncode, failed.stdout) == (2, "")
        assert "does not" in failed.stderr or "ends at once" in failed.stderr
        assert "Version 1 runs as before." in failed.stderr
        assert unit.read_text() == text
        assert model_of_service() == "cnn"

        assert json.loads(deploy(READY, "--extra", "none").stdout)["service"]
        assert model_of_service() == "cnn"
        removed = json.loads(deploy(READY, "--extra", "none", "--no-service").stdout)
        assert removed["service"] == ""
        assert not unit.exists()
        with pytest.raises(OSError, match="refused"):
            request()
        assert json.loads(deploy("--rollback").stdout)["service"]
        assert model_of_service() == "cnn"


def test_services_need_systemd(run: Run, client: Path, device: Path) -> None:
    done = run("mnist-export", "deploy", READY, "pi", "-F", client, "--folder", device, "--service")
    assert done.returncode == 2
    assert "error: pi cannot run services:" in done.stderr


def test_the_report_has_the_columns_of_the_device(run: Run, client: Path, tmp_path: Path) -> None:
    done = run(
        "mnist-export", "linear", "--data", "digits", "--quantize", "int8", "--output", tmp_path / "out",
        "--report", tmp_path / "report", "--measure-on", "pi", "-F", client, XDG_CACHE_HOME=str(tmp_path),
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    found = json.loads((tmp_path / "report" / "report.json").read_text())
    assert found["device"]["address"] == "pi"
    (artifact,) = found["artifacts"]
    assert {one["interpreter"] for one in artifact["device_latencies"]} == {"litert", "numpy"}
    (bench,) = found["device"]["bench"].values()
    assert {"schema", "machine", "before", "after", "measurements", "notes"} <= bench.keys()
    (test,) = found["device"]["self_test"].values()
    assert test["passed"] is True
    assert "On the device" in (tmp_path / "report" / "report.html").read_text()

"""Deployment over ssh to a server on this machine, which takes the place of the device."""

import shutil
import socket
import subprocess
import time
from collections.abc import Iterator
from getpass import getuser
from pathlib import Path

import pytest

from mnist_tools.checkout import ROOT

DEPLOY = ROOT / "scripts" / "deploy-pi"
READY = ROOT / "runtime" / "mnist_runtime" / "models" / "cnn-int8.tflite"
SERVER = shutil.which("sshd", path="/usr/sbin:/usr/local/sbin:/usr/bin")


@pytest.fixture(scope="module")
def client(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """Start an ssh server on localhost with its own keys; return the configuration of a client for the host `pi`."""
    if SERVER is None:
        pytest.skip("no ssh server is installed")
    folder = tmp_path_factory.mktemp("ssh")
    for name in ("host", "user"):
        subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", folder / name], check=True)
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    (folder / "server").write_text(
        f"Port {port}\nListenAddress 127.0.0.1\nHostKey {folder}/host\nAuthorizedKeysFile {folder}/user.pub\n"
        f"PidFile none\nStrictModes no\nUsePAM no\nPermitRootLogin yes\nSubsystem sftp internal-sftp\n"
    )
    (folder / "client").write_text(
        f"Host pi\n HostName 127.0.0.1\n Port {port}\n User {getuser()}\n IdentityFile {folder}/user\n"
        f" IdentitiesOnly yes\n BatchMode yes\n StrictHostKeyChecking no\n UserKnownHostsFile {folder}/known\n"
        " LogLevel ERROR\n"
    )
    Path("/run/sshd").mkdir(exist_ok=True)  # Debian's server needs this folder, which is created at boot elsewhere
    server = subprocess.Popen([SERVER, "-D", "-E", folder / "log", "-f", folder / "server"])
    try:
        for _ in range(100):
            if subprocess.run(["ssh", "-F", folder / "client", "pi", "true"], check=False).returncode == 0:
                break
            time.sleep(0.1)
        else:
            pytest.fail((folder / "log").read_text())
        yield folder / "client"
    finally:
        server.terminate()
        server.wait()


def deploy(*arguments: object) -> subprocess.CompletedProcess[str]:
    return subprocess.run([DEPLOY, *map(str, arguments)], capture_output=True, text=True, check=False, timeout=300)


def test_a_file_is_deployed_and_passes_its_self_test(client: Path, tmp_path: Path) -> None:
    model = tmp_path / "my model.tflite"
    shutil.copy(READY, model)
    device = tmp_path / "on the device"
    done = deploy("-F", client, "--folder", device, "--extra", "none", "pi", model)
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith("passed: 10 of 10 answers as recorded")
    assert "run with numpy" in done.stdout
    assert sorted(path.name for path in device.iterdir()) == ["my model.tflite", "venv"]
    assert (device / model.name).read_bytes() == model.read_bytes()


@pytest.mark.slow
def test_the_best_interpreter_is_chosen_and_a_damaged_file_is_rejected(client: Path, tmp_path: Path) -> None:
    done = deploy("-F", client, "--folder", tmp_path / "device", "pi")
    assert done.returncode == 0, done.stderr
    assert "run with litert" in done.stdout

    (tmp_path / "cut.tflite").write_bytes(READY.read_bytes()[:-1])
    again = deploy("-F", client, "--folder", tmp_path / "device", "pi", tmp_path / "cut.tflite")
    assert (again.returncode, again.stdout) == (5, "")
    assert "error: " in again.stderr


@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        ([], 2, "1 or 2 arguments are needed, not 0"),
        (["--folder"], 2, "--folder needs a value"),
        (["--extra", "torch", "pi"], 2, "unknown extra torch"),
        (["--speed", "1", "pi"], 2, "unknown option --speed"),
        (["pi", "missing.tflite"], 5, "missing.tflite does not exist"),
    ],
)
def test_wrong_usage_is_reported_before_anything_is_built(arguments: list[str], code: int, words: str) -> None:
    done = deploy(*arguments)
    assert (done.returncode, done.stdout) == (code, "")
    assert done.stderr.startswith("error: ")
    assert words in done.stderr
    assert "building" not in done.stderr

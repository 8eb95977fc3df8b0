"""Devices that cannot be reached or used: one sentence and no traceback each, against real ssh servers."""

import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from tests.shared.ssh_server import ssh_server

READY = Path(__file__).parents[4] / "runtime" / "mnist_runtime" / "models" / "cnn-int8.tflite"

Here = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture(scope="module")
def client(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    with ssh_server(tmp_path_factory.mktemp("ssh")) as config:
        yield config


def with_lines(client: Path, tmp_path: Path, *lines: str) -> Path:
    """Return a copy of the configuration in which `lines` come first; ssh takes the first value of each."""
    changed = tmp_path / "client"
    changed.write_text("Host pi\n" + "".join(f" {line}\n" for line in lines) + client.read_text())
    return changed


@pytest.mark.long
def test_a_dry_run_looks_at_the_device_and_changes_nothing(here: Here, client: Path, tmp_path: Path) -> None:
    folder = tmp_path / "on the device"
    words = ("mnist-export", "deploy", READY, "pi", "-F", client, "--folder", folder, "--dry-run")
    done = here(*words)
    assert done.returncode == 0
    assert "nothing installed there yet" in done.stderr
    first, *steps = done.stdout.splitlines()
    assert first == "pi: dry run, nothing was changed"
    starts = ("copy cnn-int8.tflite", "install mnist-runtime with", "run the self-test")
    assert all(step.startswith(start) for step, start in zip(steps, starts, strict=True))
    assert not any(step in done.stderr for step in steps)
    assert not folder.exists()

    quiet = here(*words, "--quiet")
    assert (quiet.stdout, quiet.stderr) == (done.stdout, "")


@pytest.mark.parametrize(
    ("lines", "words"),
    [
        (["Port 1"], "pi is there but has no ssh server running. Enable ssh"),
        (["HostName nowhere.invalid"], "The network does not know the name of pi."),
        (["PubkeyAuthentication no"], "pi accepts no key of yours, and no password was given."),
        (["StrictHostKeyChecking yes", "UserKnownHostsFile /dev/null"], "The host key of pi is not known here."),
        (["Nonsense yes"], "ssh does not reach pi"),
    ],
)
def test_an_unreachable_device_is_one_sentence(
    here: Here, client: Path, tmp_path: Path, lines: list[str], words: str
) -> None:
    done = here("mnist-export", "deploy", READY, "pi", "-F", with_lines(client, tmp_path, *lines))
    assert (done.returncode, done.stdout) == (2, "")
    assert f"error: {words}" in done.stderr


def test_another_host_key_and_an_open_private_key_are_named(here: Here, client: Path, tmp_path: Path) -> None:
    known = tmp_path / "known"
    port = next(line.split()[1] for line in client.read_text().splitlines() if "Port" in line)
    known.write_text(f"[127.0.0.1]:{port} {(client.parent / 'user.pub').read_text()}")
    changed = with_lines(client, tmp_path, "StrictHostKeyChecking yes", f"UserKnownHostsFile {known}")
    assert "The host key of pi has changed" in here("mnist-export", "deploy", READY, "pi", "-F", changed).stderr

    shutil.copy(client.parent / "user", tmp_path / "open")
    (tmp_path / "open").chmod(0o644)
    text = client.read_text().replace(f"{client.parent}/user\n", f"{tmp_path}/open\n")
    (tmp_path / "client").write_text(text)
    done = here("mnist-export", "deploy", READY, "pi", "-F", tmp_path / "client")
    assert "ssh ignores your private key for pi" in done.stderr


@pytest.mark.parametrize(
    ("version", "words"),
    [
        (None, "pi has no Python. On the device, run: sudo apt install"),
        ((3, 9), "pi has Python 3.9, but mnist-runtime"),
    ],
)
def test_a_device_without_a_suitable_python_is_named(
    here: Here, tmp_path: Path, version: tuple[int, int] | None, words: str
) -> None:
    programs = tmp_path / "programs"
    programs.mkdir()
    if version:
        python = programs / "python3"
        python.write_text(
            f"#!{sys.executable}\nimport sys\nsys.version_info = {(*version, 0)}\nexec(sys.argv[2])\n",
        )
        python.chmod(0o755)
    (tmp_path / "server").mkdir()
    # The user's shell would add further folders to the path.
    settings = f'ForceCommand PATH={programs} /bin/sh -c "$SSH_ORIGINAL_COMMAND"\n'
    with ssh_server(tmp_path / "server", settings=settings) as client:
        done = here("mnist-export", "deploy", READY, "pi", "-F", client)
    assert (done.returncode, done.stdout) == (4, "")
    assert f"error: {words}" in done.stderr


@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        ([], 2, "Give a file and the device"),
        ([READY], 2, "is a file. Add the device"),
        (["a.tflite", "pi"], 5, "There is no file a.tflite"),
        ([READY, "pi", "other"], 2, "Give a file and the device"),
        ([READY, "--", "-oProxyCommand=touch x"], 2, "is no device. Give USER@HOST."),
        ([READY, "pi", "--extra", "torch"], 2, "'torch' is unknown"),
        ([READY, "pi", "--run", "watch 'x"], 2, "Close the quotation marks"),
        ([READY, "pi", "--run", "classify x.png"], 2, "--run cannot run classify as a service. Give serve or watch."),
        ([READY, "pi", "--run", "serve", "--no-service"], 2, "exclude each other"),
        (["--rollback", READY, "pi"], 2, "Give the device"),
        (["--rollback"], 2, "Give the device: mnist-export deploy --rollback pi@"),
        (["--rollback", "cnn.tflite"], 2, "--rollback takes no file"),
        (["--rollback", "pi", "--dry-run"], 2, "Leave out --dry-run."),
        (["--rollback", "pi", "--service"], 2, "Leave out --service."),
        (["--rollback", "pi", "--no-service"], 2, "Leave out --no-service."),
        (["--rollback", "pi", "--run", "serve", "--extra", "none"], 2, "Leave out --extra, --run."),
        ([__file__], 2, "does not run on a device with Python. Give a .tflite or .onnx file"),
        ([__file__, "pi"], 2, "does not run on a device with Python"),
        (["missing.tflite"], 5, "There is no file missing.tflite"),
        (["missing.html", "pi"], 5, "There is no file missing.html"),
        (["pi", READY], 2, "is a file. Give the file before the device"),
    ],
)
def test_wrong_usage_is_reported_before_the_device_is_asked(
    here: Here, arguments: list[object], code: int, words: str
) -> None:
    done = here("mnist-export", "deploy", *arguments)
    assert (done.returncode, done.stdout) == (code, "")
    assert done.stderr.startswith("error: ")
    assert words in done.stderr
    assert "connecting" not in done.stderr


def test_a_damaged_file_and_an_unreachable_device_are_found_before_anything_else(
    here: Here, client: Path, tmp_path: Path
) -> None:
    (tmp_path / "cut.tflite").write_bytes(READY.read_bytes()[:-1])
    done = here("mnist-export", "deploy", tmp_path / "cut.tflite", "pi", "-F", client)
    assert done.returncode == 5
    assert "connecting" not in done.stderr

    silent = with_lines(client, tmp_path, "Port 1")
    report = tmp_path / "report"
    done = here("mnist-export", "linear", "--report", report, "--measure-on", "pi", "-F", silent)
    assert done.returncode == 2
    assert (
        done.stderr
        == "connecting to pi ...\nerror: pi is there but has no ssh server running. Enable ssh on the device.\n"
    )
    assert here("mnist-export", "linear", "--measure-on", "pi").returncode == 2


def test_rollback_without_a_version_is_an_error(here: Here, client: Path, tmp_path: Path) -> None:
    done = here("mnist-export", "deploy", "--rollback", "pi", "-F", client, "--folder", tmp_path / "none")
    assert done.returncode == 2
    assert "There is no version before the current one" in done.stderr
    assert not (tmp_path / "none").exists()

"""`run_command`."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from mnist_runtime.errors import PictureError
from mnist_runtime.system.command import run_command


def raising(error: BaseException) -> object:
    def command() -> int:
        raise error

    return command


@pytest.mark.parametrize(
    ("error", "code", "words"),
    [
        (PictureError("The picture is blank."), 6, "error: The picture is blank.\n"),
        (KeyboardInterrupt(), 130, "stopped\n"),
    ],
)
def test_errors_are_printed_and_have_an_exit_code(
    capsys: pytest.CaptureFixture[str], error: BaseException, code: int, words: str
) -> None:
    with pytest.raises(SystemExit) as left:
        run_command(raising(error))
    assert left.value.code == code
    assert capsys.readouterr() == ("", words)


def test_a_bug_is_reported_without_a_traceback(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as left:
        run_command(raising(ZeroDivisionError("division by zero")))
    assert left.value.code == 1
    words = capsys.readouterr().err
    assert "unexpected ZeroDivisionError: division by zero (at command, line" in words
    assert words.count("\n") == 1


def test_a_missing_package_exits_with_4(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as left:
        run_command(raising(ModuleNotFoundError("No module named 'keras'", name="keras")))
    assert left.value.code == 4
    assert "The package of keras is missing or broken" in capsys.readouterr().err


def test_a_closed_stderr_does_not_change_the_exit_code() -> None:
    code = "from mnist_runtime.system.command import run_command, echo\n"
    code += "def refuse():\n    echo('a')\n    echo('b')\n    return 3\nrun_command(refuse)"
    done = subprocess.run(
        ["bash", "-c", f"('{sys.executable}' -c \"$0\" 2>&3; echo $? >&2) 3> >(exec 0<&-)", code],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.stderr.strip() == "3"


@pytest.mark.parametrize("streams", [">&-", "2>&-", ">&- 2>&-", "2>/dev/full"])
def test_missing_streams_do_not_change_the_exit_code(streams: str) -> None:
    code = "from mnist_runtime.system.command import run_command, echo\n"
    code += "def refuse():\n    print('a')\n    echo('b')\n    return 3\nrun_command(refuse)"
    done = subprocess.run(["bash", "-c", f"'{sys.executable}' -c \"$0\" {streams}", code], check=False)
    assert done.returncode == 3


def test_success_exits_with_0() -> None:
    with pytest.raises(SystemExit) as left:
        run_command(lambda: 0)
    assert left.value.code == 0


@pytest.mark.parametrize(("request_to_end", "code"), [(signal.SIGTERM, 143), (signal.SIGHUP, 129)])
def test_a_signal_lets_the_command_clean_up(tmp_path: Path, request_to_end: signal.Signals, code: int) -> None:
    program = """
import pathlib, sys, time
from mnist_runtime.system.command import run_command
marker = pathlib.Path(sys.argv[1])
def work():
    marker.touch()
    try:
        print("begun", flush=True)
        time.sleep(60)
    finally:
        marker.unlink()
run_command(work)
"""
    marker = tmp_path / "marker"
    # A test run that ignores the signal, as one under nohup does, would pass that on.
    before = signal.signal(request_to_end, signal.SIG_DFL)
    command = [sys.executable, "-c", program, str(marker)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        signal.signal(request_to_end, before)
        assert process.stdout is not None
        assert process.stdout.readline() == "begun\n"
        assert marker.exists()
        process.send_signal(request_to_end)
        assert process.wait(timeout=30) == code
    assert not marker.exists()


@pytest.mark.parametrize("encoding", ["utf-8", "ascii", "latin-1"])
def test_a_file_name_outside_the_encoding_is_printed(encoding: str) -> None:
    code = "from mnist_runtime.system.command import run_command; run_command(lambda: print('7: \\udcff\\u4e03') or 0)"
    done = subprocess.run(
        [sys.executable, "-c", code],
        env={**os.environ, "PYTHONIOENCODING": f"{encoding}:strict"},
        capture_output=True,
        check=False,
    )
    assert (done.returncode, done.stderr) == (0, b"")
    assert done.stdout.startswith(b"7: \\udcff")

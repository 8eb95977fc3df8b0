"""`run_command`."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from mnist_runtime.errors import (
    DOCUMENTATION,
    FILES,
    MEMORY,
    SPACE,
    ArtifactError,
    BlankError,
    OutputError,
    PictureError,
    ToolkitError,
    machine_failure,
)
from mnist_runtime.system.command import run_command


def raising(error: BaseException) -> object:
    def command() -> int:
        raise error

    return command


@pytest.mark.parametrize(
    ("error", "code", "words"),
    [
        (PictureError("The picture is blank."), 6, "error: The picture is blank.\n"),
        (BlankError("It is blank."), 6, f"error: It is blank. (see {DOCUMENTATION}/explanation/photograph.md)\n"),
        (KeyboardInterrupt(), 130, "stopped\n"),
        (MemoryError(), 2, f"error: {MEMORY}\n"),
        (ValueError("not loaded:\n\nUnable to allocate 309. MiB for an array"), 2, f"error: {MEMORY}\n"),
        (OSError(24, "Too many open files"), 2, f"error: {FILES}\n"),
        (ImportError("lib.so: cannot map: Cannot allocate memory", name="lib"), 2, f"error: {MEMORY}\n"),
    ],
)
def test_errors_are_printed_and_have_an_exit_code(
    capsys: pytest.CaptureFixture[str], error: BaseException, code: int, words: str
) -> None:
    with pytest.raises(SystemExit) as left:
        run_command(raising(error))
    assert left.value.code == code
    assert capsys.readouterr() == ("", words)


@pytest.mark.parametrize("kind", [ArtifactError, PictureError, OutputError])
def test_no_file_is_blamed_for_a_failure_of_the_machine(
    capsys: pytest.CaptureFixture[str], kind: type[ToolkitError]
) -> None:
    def command() -> int:
        try:
            raise OSError(28, "No space left on device")
        except OSError as error:
            raise kind("seven.png is damaged.") from error

    with pytest.raises(SystemExit) as left:
        run_command(command)
    assert left.value.code == 2
    expected = "seven.png is damaged." if kind is OutputError else SPACE  # an output error says more
    assert capsys.readouterr().err == f"error: {expected}\n"


@pytest.mark.parametrize("error", [OSError(2, "No such file"), ValueError("bad"), FileNotFoundError("gone"), None])
def test_other_errors_are_no_failure_of_the_machine(error: BaseException | None) -> None:
    assert machine_failure(error) is None


@pytest.mark.parametrize(
    ("error", "text"),
    [
        (ZeroDivisionError("division by zero"), "ZeroDivisionError: division by zero"),
        (ValueError("two\nlines"), r"ValueError: two\nlines"),
        (OSError(22, "Invalid argument"), "OSError: [Errno 22] Invalid argument"),
    ],
)
def test_a_bug_is_reported_without_a_traceback(capsys: pytest.CaptureFixture[str], error: Exception, text: str) -> None:
    with pytest.raises(SystemExit) as left:
        run_command(raising(error))
    assert left.value.code == 1
    words = capsys.readouterr().err
    assert f"unexpected {text} (at command, line" in words
    assert words.count("\n") == 1


def test_a_name_that_is_too_long_is_no_bug(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as left:
        run_command(lambda: Path("a" * 300).stat().st_size)
    assert left.value.code == 2
    assert capsys.readouterr().err == f"error: Cannot use {'a' * 300}: File name too long. Check the path.\n"


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


PRINTING = (
    "import sys; from mnist_runtime.system.command import run_command, echo\n"
    "def refuse():\n    with open(sys.argv[1], 'w') as file:\n        echo('words')\n        file.write('kept')\n"
    "    print('result')\n    return 3\n"
    "run_command(refuse)"
)


@pytest.mark.parametrize("unbuffered", ["", "1"])
@pytest.mark.parametrize(
    ("streams", "code", "words"),
    [
        ("2>&-", 3, ""),
        ("2>/dev/full", 3, ""),
        ("<&- 2>&-", 3, ""),
        (">&-", 2, "written to stdout (Bad file descriptor)"),
        (">/dev/full", 2, "written to stdout (No space left on device)"),
        (">&- 2>&-", 2, ""),
        (">/dev/full 2>/dev/full", 2, ""),
    ],
)
def test_results_that_cannot_be_printed_are_reported_and_words_are_not(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, streams: str, code: int, words: str, unbuffered: str
) -> None:
    monkeypatch.setenv("PYTHONUNBUFFERED", unbuffered)
    line = f"'{sys.executable}' -W error -c \"$0\" $1 {streams}"
    done = subprocess.run(
        ["bash", "-c", line, PRINTING, str(tmp_path / "file")], capture_output=True, text=True, check=False
    )
    assert done.returncode == code
    assert words in done.stderr
    assert done.stderr.count("\n") == (2 if words else 0)  # with the words of the command itself
    assert done.stdout in ("", "result\n")
    assert (tmp_path / "file").read_text() == "kept"  # nothing else was written into a file with the number of stderr


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


@pytest.mark.parametrize(("first", "code"), [("SIGTERM", 143), ("SIGHUP", 129), ("SIGINT", 130)])
@pytest.mark.parametrize("second", ["SIGTERM", "SIGINT"])
def test_a_second_signal_does_not_break_off_the_cleanup(first: str, code: int, second: str) -> None:
    program = f"""
import atexit, os, signal
for name in ("SIGINT", "SIGTERM", "SIGHUP"):  # the tests may ignore it
    signal.signal(getattr(signal, name), signal.default_int_handler if name == "SIGINT" else signal.SIG_DFL)
from mnist_runtime.system.command import run_command
def clean_up():
    os.kill(os.getpid(), signal.{second})
    print("clean")
atexit.register(clean_up)
run_command(lambda: os.kill(os.getpid(), signal.{first}))
"""
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (code, "clean\n")
    assert done.stderr == ("stopped\n" if first == "SIGINT" else "")


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


def test_an_interrupt_during_the_imports_shows_no_traceback() -> None:
    program = """
import os, signal, sys
signal.signal(signal.SIGINT, signal.default_int_handler)  # a shell may have ignored it for all its children
from mnist_runtime.system.command import end_at_interrupt, run_command
end_at_interrupt()
def work():
    os.kill(os.getpid(), signal.SIGINT)
if sys.argv[1] == "imports":
    work()
run_command(work)
"""
    for place, code, words in (("imports", -signal.SIGINT, ""), ("work", 130, "stopped\n")):
        done = subprocess.run([sys.executable, "-c", program, place], capture_output=True, text=True, check=False)
        assert (done.returncode, done.stderr) == (code, words)

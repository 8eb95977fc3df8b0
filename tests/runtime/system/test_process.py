"""`quiet_stderr`."""

import os
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

import mnist_runtime
from mnist_runtime.errors import ArtifactError
from mnist_runtime.system.process import quiet_stderr


def write_natively() -> None:
    os.write(2, b"native words\n")


def test_native_output_is_hidden(capfd: pytest.CaptureFixture[str]) -> None:
    with quiet_stderr():
        write_natively()
    os.write(2, b"after\n")
    assert capfd.readouterr().err == "after\n"


def test_native_output_is_shown_after_an_unexpected_error(capfd: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(ZeroDivisionError), quiet_stderr():  # noqa: PT012  # the order matters
        write_natively()
        raise ZeroDivisionError
    assert capfd.readouterr().err == "native words\n"


@pytest.mark.parametrize("error", [ArtifactError, KeyboardInterrupt, SystemExit])
def test_native_output_stays_hidden_after_a_toolkit_error_or_a_stop(
    capfd: pytest.CaptureFixture[str], error: type[BaseException]
) -> None:
    with pytest.raises(error), quiet_stderr():  # noqa: PT012
        write_natively()
        raise error
    assert capfd.readouterr().err == ""


def test_threads_do_not_lose_stderr(capfd: pytest.CaptureFixture[str]) -> None:
    def hold(_: int) -> None:
        with quiet_stderr(), quiet_stderr():
            write_natively()

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(hold, range(200)))
    os.write(2, b"still here\n")
    assert capfd.readouterr().err == "still here\n"


def test_no_cached_property_can_leave_a_lock_to_a_child() -> None:
    """Before Python 3.12 each has a lock for all objects; a fork while a thread holds it blocks the child forever."""
    files = Path(mnist_runtime.__file__).parent.rglob("*.py")
    assert [path.name for path in files if "import cached_property" in path.read_text()] == []

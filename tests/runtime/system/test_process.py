"""`quiet_stderr` and `installed_version`."""

import contextlib
import os
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest

import mnist_runtime
from mnist_runtime.errors import ArtifactError
from mnist_runtime.system.process import installed_version, quiet_stderr


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


@contextlib.contextmanager
def stderr_as(path: str | None) -> Iterator[None]:
    """Redirect file descriptor 2, or close it."""
    saved = os.dup(2)
    try:
        if path is None:
            os.close(2)
        else:
            with open(path, "w") as file:
                os.dup2(file.fileno(), 2)
        yield
    finally:
        os.dup2(saved, 2)
        os.close(saved)


@pytest.mark.parametrize("path", [None, "/dev/full"], ids=["closed", "full"])
def test_a_closed_or_full_stderr_does_not_hide_the_error(path: str | None) -> None:
    with stderr_as(path):
        with quiet_stderr():
            pass
        with pytest.raises(ZeroDivisionError), quiet_stderr():  # noqa: PT012
            if path is not None:
                write_natively()
            raise ZeroDivisionError


@pytest.mark.parametrize("is_closed", [False, True], ids=["none", "closed"])
def test_a_program_may_have_no_stderr_of_its_own(monkeypatch: pytest.MonkeyPatch, is_closed: bool) -> None:
    with open(os.devnull, "w") as stream:
        pass
    monkeypatch.setattr("sys.stderr", stream if is_closed else None)
    with quiet_stderr():
        write_natively()


def test_no_descriptor_stays_open() -> None:
    before = os.dup(0)
    os.close(before)
    for error in (None, ZeroDivisionError, ArtifactError):
        with contextlib.suppress(ZeroDivisionError, ArtifactError), quiet_stderr():
            if error is not None:
                raise error
    after = os.dup(0)  # the lowest free number
    os.close(after)
    assert after == before


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


def test_the_version_of_a_module_from_another_distribution_is_that_of_the_module() -> None:
    assert installed_version("numpy") == np.__version__
    assert installed_version("numpy-of-debian", "numpy") == np.__version__
    assert installed_version("mnist-runtime-of-debian", "mnist_runtime") == mnist_runtime.__version__
    assert installed_version("zip-of-debian", "zipfile") == "unknown"
    with pytest.raises(ImportError, match="nothing_of_debian"):
        installed_version("nothing-of-debian")

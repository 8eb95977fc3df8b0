"""Progress on a terminal, and quiet commands."""

import contextlib
import os
import select
import sys
import time
from collections.abc import Iterator

import pytest

from mnist_runtime.system.command import echo, warn
from mnist_runtime.system.terminal import Progress, is_quiet, quiet, seconds_left, step_shown


@contextlib.contextmanager
def terminal(monkeypatch: pytest.MonkeyPatch) -> Iterator[int]:
    """Make stderr a terminal, and return the descriptor of what it shows."""
    pty = pytest.importorskip("pty")
    shows, terminal = pty.openpty()
    with monkeypatch.context() as patch, open(terminal, "w") as stream:
        patch.setenv("TERM", "xterm")
        patch.setattr(sys, "stderr", stream)
        yield shows
    os.close(shows)


def shown(screen: int, seconds: float) -> str:
    """Return what the terminal shows within some seconds, or at once if there is something."""
    return os.read(screen, 1 << 16).decode() if select.select([screen], [], [], seconds)[0] else ""


def shown_up_to(screen: int, text: str) -> str:
    """Return what the terminal shows until it ends in `text`, which can come in several parts, or for 10 seconds."""
    deadline, seen = time.monotonic() + 10, ""
    while not seen.rstrip().endswith(text) and time.monotonic() < deadline:
        seen += shown(screen, 1)
    return seen


def test_the_time_left_is_that_of_this_machine() -> None:
    assert seconds_left(left=20, done=10, took=10, typical=10, since=4) == 26
    assert seconds_left(left=20, done=10, took=20, typical=10, since=4) == 56, "this machine is half as fast"
    assert seconds_left(left=20, done=0, took=0, typical=10, since=4) == 26, "nothing is known of it"
    assert seconds_left(left=20, done=0, took=0, typical=10, since=40) == 80, "the first step shows that it is slow"
    assert seconds_left(left=0, done=10, took=10, typical=10, since=15) == 0
    assert seconds_left(left=5, done=0, took=0, typical=0, since=2) == 5, "the first step takes no time"


@pytest.mark.long
def test_a_step_that_stands_alone_is_shown_if_it_is_wanted(monkeypatch: pytest.MonkeyPatch) -> None:
    with terminal(monkeypatch) as screen:
        with step_shown("measuring", 20.0, show=False):
            assert shown(screen, 1) == ""
        with step_shown("measuring", 20.0):
            assert "measuring: about 20 s left" in shown_up_to(screen, "left").replace("19 s", "20 s")


def test_the_line_names_the_step_and_the_time_left() -> None:
    now = [0.0]
    with Progress(30.0, clock=lambda: now[0]) as progress:
        assert progress.line() == ""
        with progress.step("one", 10.0):
            now[0] = 2.0
            assert progress.line() == "one: about 28 s left"
            now[0] = 20.0
        with contextlib.suppress(ValueError), progress.step("two", 10.0):
            assert progress.line() == "two: about 40 s left"
            now[0] = 39.5
            raise ValueError("a step that fails is over too")
        with progress.step("three", 10.0):
            now[0] = 59.2
            assert progress.line() == "three: nearly done"


def test_a_terminal_shows_the_line_and_removes_it_before_other_lines(monkeypatch: pytest.MonkeyPatch) -> None:
    with terminal(monkeypatch) as screen:
        with Progress(9000.0) as progress, progress.step("working", 9000.0):
            assert shown_up_to(screen, "working: about 2 h left").endswith("working: about 2 h left")
            echo("a note")
            assert "\r\x1b[Ka note" in shown_up_to(screen, "a note")
        echo("the end")
        assert shown_up_to(screen, "the end").rstrip().endswith("the end")


def test_nothing_is_shown_without_a_terminal_or_in_a_quiet_command(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    with terminal(monkeypatch) as screen:
        with quiet(True), Progress(10.0) as progress, progress.step("working", 10.0):
            assert is_quiet()
            assert shown(screen, 0.8) == ""
            echo("a note")
            warn("error: a problem")
        assert shown(screen, 10).splitlines() == ["error: a problem"]
    assert not is_quiet()
    with Progress(10.0) as progress, progress.step("working", 10.0):
        pass
    assert capsys.readouterr().err == ""


def test_a_line_is_not_longer_than_the_terminal_is_wide(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("mnist_runtime.system.terminal.PATIENCE", 0.01)
    with terminal(monkeypatch) as screen:
        termios = pytest.importorskip("termios")
        termios.tcsetwinsize(screen, (24, 20)) if hasattr(termios, "tcsetwinsize") else pytest.skip("Python 3.10")
        with Progress(9000.0) as progress, progress.step("a step with a long name", 9000.0):
            assert shown_up_to(screen, "long") == "\r\x1b[Ka step with a long "


def test_a_dumb_terminal_shows_no_line_and_no_descriptor_stays_open(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("mnist_runtime.system.terminal.PATIENCE", 0.01)
    with terminal(monkeypatch) as screen:
        free = []
        for kind in ("xterm", "dumb", "xterm"):
            monkeypatch.setenv("TERM", kind)
            with Progress(9000.0) as progress, progress.step("working", 9000.0):
                assert ("working" in shown(screen, 0.1 if kind == "dumb" else 10)) == (kind != "dumb")
            shown(screen, 0.05)  # the line is removed
            free.append(os.dup(0))  # the lowest free number
            os.close(free[-1])
        assert len(set(free)) == 1

"""A terminal is recorded as it is in the end, and its picture is complete without animation."""

import os
import re
from pathlib import Path
from xml.etree import ElementTree

import pytest

pytest.importorskip("pyte")

from mnist_tools.release.front.drawing import LONGEST_WAIT, terminal_svg
from mnist_tools.release.front.recording import COLUMNS, Line, Span, record

SVG = "{http://www.w3.org/2000/svg}"


@pytest.fixture
def lines(tmp_path: Path) -> list[Line]:
    commands = [
        r"printf 'plain \033[31mred\033[0m\n'; sleep 0.05; printf 'gone\r\033[2K<stays> & more\n'",
        "# nothing",
        "cat missing",
    ]
    return record(commands, tmp_path, {"PATH": os.environ["PATH"], "LC_ALL": "C"})


def test_lines_are_those_that_stay_with_their_colors(lines: list[Line]) -> None:
    assert [line.text for line in lines if not line.is_command] == [
        "plain red",
        "<stays> & more",
        "cat: missing: No such file or directory",
    ]
    assert lines[1].spans == (Span("plain "), Span("red", "red"))
    assert lines[0].seconds >= lines[2].seconds > lines[1].seconds


def test_the_picture_has_every_line_and_needs_nothing_else(lines: list[Line]) -> None:
    text = terminal_svg(lines)
    root = ElementTree.fromstring(text)
    shown = [element.text for element in root.iter(f"{SVG}text")]
    assert {"plain ", "red", "<stays> & more", "# nothing"} <= set(shown)
    assert not re.search(r"url\(|@import|href|<script|https?://(?!www\.w3\.org/2000/svg)", text)
    # What moves begins hidden and ends as it is drawn, so that it is visible where nothing moves.
    assert text.count("backwards") == 3
    assert "opacity: 0" not in text.replace("from { opacity: 0; }", "")
    assert "prefers-reduced-motion: reduce" in text


def test_long_waits_are_shortened_and_long_commands_continue() -> None:
    long = "command " + "word " * 30
    text = terminal_svg([Line(500, (Span(long),), is_command=True), Line(499, (Span("done"),))])
    delays = [float(each) for each in re.findall(r"animation-delay:([\d.]+)s", text)]
    assert delays == sorted(delays)
    assert delays[-1] < 0.02 * len(long) + LONGEST_WAIT + 3
    parts = [element.text or "" for element in ElementTree.fromstring(text).iter(f"{SVG}text")][1:]
    assert [part for part in parts if part in ("$", ">")] == ["$", ">"]
    assert all(len(part) <= COLUMNS for part in parts)

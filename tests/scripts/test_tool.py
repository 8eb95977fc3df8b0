"""``scripts/tool``: every tool is listed, exists and describes its options."""

import importlib
import os
import subprocess

import pytest

from mnist_tools.__main__ import GROUPS, main
from mnist_tools.checkout import ROOT, environment, tool

TOOLS = [(group, name) for group, row in GROUPS.items() for name in row.tools]


def test_without_arguments_all_tools_are_listed_in_80_columns() -> None:
    done = subprocess.run(tool(""), env=environment(), capture_output=True, text=True, check=False)
    assert done.returncode == 0
    printed = done.stdout
    for group, name in TOOLS:
        assert f"  {group} {name}  " in printed
    assert max(map(len, printed.splitlines())) <= 80


@pytest.mark.parametrize(("group", "name"), TOOLS)
def test_every_tool_has_a_main_function_and_help(
    group: str, name: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    module = importlib.import_module(f"mnist_tools.{group}.{name.replace('-', '_')}")
    with pytest.raises(SystemExit) as left:
        module.main(["--help"])
    assert left.value.code == 0
    assert capsys.readouterr().out.startswith(f"usage: scripts/tool {group} {name} ")


@pytest.mark.parametrize(
    ("words", "hint"), [(["bnch"], "Did you mean 'bench'?"), (["bench", "exprt"], "Did you mean 'export'?")]
)
def test_an_unknown_tool_is_wrong_usage(words: list[str], hint: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as left:
        main(words)
    assert left.value.code == 2
    assert hint in capsys.readouterr().err


def test_the_entries_of_scripts_are_few_and_executable() -> None:
    entries = {path.name for path in (ROOT / "scripts").iterdir()} - {"__pycache__"}
    assert len(entries) <= 12
    for name in entries - {"mnist_tools"}:
        assert os.access(ROOT / "scripts" / name, os.X_OK), name

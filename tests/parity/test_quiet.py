"""Every command has ``--quiet`` and help of 80 columns, and colors are for terminals."""

import argparse
import io
import sys
from collections.abc import Callable, Iterator
from importlib.metadata import entry_points
from pathlib import Path

import click
import pytest

from mnist_exporters.cli.export import export_command
from mnist_runtime.cli import main as runtime_main
from mnist_trainer.cli.evaluate import evaluate
from mnist_trainer.cli.train import train

CLICK = {"mnist-train": train, "mnist-evaluate": evaluate, "mnist-export": export_command}


def click_commands() -> Iterator[tuple[str, click.Command]]:
    for name, command in CLICK.items():
        yield name, command
        for word, each in command.subcommands.items():
            yield f"{name} {word}", each


def runtime_commands() -> dict[str, argparse.ArgumentParser]:
    parser = runtime_main.command_line()
    (commands,) = (one for one in parser._actions if isinstance(one, argparse._SubParsersAction))
    return dict(commands.choices)


def test_every_installed_command_is_walked_here() -> None:
    ours = {point.name for point in entry_points(group="console_scripts") if point.module.startswith("mnist_")}
    assert ours == {*CLICK, "mnist-runtime"}


@pytest.mark.parametrize(("name", "command"), list(click_commands()))
def test_commands_of_the_workstation_have_quiet(name: str, command: click.Command) -> None:
    options = [option for param in command.params for option in param.opts]
    assert options.count("--quiet") == options.count("-q") == 1


@pytest.mark.parametrize("name", list(runtime_commands()))
def test_commands_of_the_device_have_quiet(name: str) -> None:
    assert "--quiet" in runtime_commands()[name]._option_string_actions
    assert "-q" in runtime_commands()[name]._option_string_actions


@pytest.mark.parametrize(("name", "command"), list(click_commands()))
def test_help_of_the_workstation_fits_80_columns(name: str, command: click.Command) -> None:
    text = command.get_help(click.Context(command, info_name=name, max_content_width=80, terminal_width=80))
    assert max(map(len, text.splitlines())) <= 80


def test_help_of_the_device_fits_80_columns(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    for parser in (runtime_main.command_line(), *runtime_commands().values()):
        assert max(map(len, parser.format_help().splitlines())) <= 80


def test_a_quiet_command_prints_results_and_errors_only(here: Callable[..., object], tmp_path: Path) -> None:
    loud = here("mnist-evaluate", "linear", "--data", "digits")
    still = here("mnist-evaluate", "linear", "--data", "digits", "--quiet")
    assert "trained on pixels" in loud.stderr
    assert (still.returncode, still.stdout, still.stderr) == (0, loud.stdout, "")
    wrong = here("mnist-evaluate", "-q", "linear", "--data", tmp_path / "missing.npz")
    assert wrong.returncode != 0
    assert wrong.stderr.startswith("error: ")


class Screen(io.StringIO):
    """A terminal that keeps what is written."""

    def isatty(self) -> bool:
        return True


@pytest.mark.parametrize(
    ("stream", "environment", "is_colored"),
    [(Screen, {}, True), (Screen, {"NO_COLOR": "1"}, False), (io.StringIO, {}, False)],
)
def test_colors_are_for_terminals(
    stream: type[io.StringIO], environment: dict[str, str], is_colored: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    from rich.table import Table

    from mnist_exporters.reports.table import open_console

    for name in ("NO_COLOR", "FORCE_COLOR", "TTY_COMPATIBLE"):
        monkeypatch.delenv(name, raising=False)
    for name, value in {"TERM": "xterm-256color", **environment}.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setattr(sys, "stderr", stream())
    table = Table()
    table.add_column("verdict")
    table.add_row("REFUSED", style="red")
    open_console().print(table)
    text = sys.stderr.getvalue()
    assert "REFUSED" in text
    assert ("\x1b[31m" in text) == is_colored

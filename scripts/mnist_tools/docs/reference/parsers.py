"""The commands as data: arguments, options, defaults, examples and exit codes, read from their parsers."""

from __future__ import annotations

import argparse
import inspect
from collections.abc import Iterator
from dataclasses import dataclass

import click

from mnist_exporters.cli.export import export_command
from mnist_runtime.cli.main import command_line
from mnist_trainer.cli.evaluate import evaluate
from mnist_trainer.cli.options import Command
from mnist_trainer.cli.train import train

__all__ = ["CommandFacts", "Parameter", "all_commands", "with_subcommands"]

WIDTH = 80


@dataclass(frozen=True)
class Parameter:
    """One argument or option.

    Parameters
    ----------
    section : str
        Title of its group in the help.
    names : str
        As it is typed, with what it takes.
    text : str
        Description, with the default.
    """

    section: str
    names: str
    text: str


@dataclass(frozen=True)
class CommandFacts:
    """One command.

    Parameters
    ----------
    name : str
        As it is typed, such as ``"mnist-export verify"``.
    usage : str
        How it is called, in lines of at most 80 characters.
    text : str
        Description; paragraphs are divided by an empty line.
    parameters : tuple of Parameter
        Its arguments and options.
    examples : str
        Command lines.
    exit_codes : str
        A line that explains them; empty for a subcommand that has those of its command.
    subcommands : tuple of CommandFacts
        Commands under this name.
    """

    name: str
    usage: str
    text: str
    parameters: tuple[Parameter, ...]
    examples: str = ""
    exit_codes: str = ""
    subcommands: tuple[CommandFacts, ...] = ()


def _with_default(text: str, default: object) -> str:
    """Return the description of an option, with its default if it lacks that."""
    unusual = default not in (None, False, (), [], "") and not callable(default) and default is not argparse.SUPPRESS
    text = text.rstrip(".")
    return f"{text} (default: {default})." if unusual and "default" not in text.lower() else f"{text}."


def _click_facts(command: click.Command, name: str) -> CommandFacts:
    context = click.Context(command, info_name=name, terminal_width=WIDTH)
    rows = []
    for param in command.get_params(context):
        if (record := param.get_help_record(context)) is None:
            continue
        names, text = record
        default = None if isinstance(param, click.Option) and (param.is_flag or param.multiple) else param.default
        known = default if isinstance(default, (str, int, float)) else None
        rows.append(Parameter(getattr(param, "section", "Other options"), names, _with_default(text, known)))
    extra = command if isinstance(command, Command) else Command(name=name)
    return CommandFacts(
        name,
        command.get_usage(context).removeprefix("Usage: "),
        inspect.cleandoc(command.help or ""),
        tuple(sorted(rows, key=lambda row: row.section == "Other options")),
        extra.examples.strip(),
        extra.exit_codes,
        tuple(_click_facts(sub, f"{name} {key}") for key, sub in extra.subcommands.items()),
    )


def _argparse_facts(parser: argparse.ArgumentParser, text: str = "") -> CommandFacts:
    formatter = argparse.HelpFormatter(parser.prog, width=WIDTH)
    rows, subcommands = [], list[CommandFacts]()
    for action in parser._actions:
        if isinstance(action, argparse._SubParsersAction):
            helps = {choice.dest: choice.help or "" for choice in action._choices_actions}
            subcommands = [_argparse_facts(sub, helps[name]) for name, sub in action.choices.items()]
            continue
        value = "" if action.nargs == 0 else str(action.metavar or action.dest)
        names = f"{', '.join(action.option_strings)} {value}".strip()
        section = "Other options" if action.option_strings else "Arguments"
        described = formatter._expand_help(action)
        described = described[:1].upper() + described[1:]
        rows.append(Parameter(section, names, _with_default(described, action.default)))
    examples, _, codes = (parser.epilog or "").partition("exit codes:")
    text = parser.description or text
    return CommandFacts(
        parser.prog,
        parser.format_usage().removeprefix("usage: ").strip(),
        text[:1].upper() + text[1:].rstrip(".") + ".",
        tuple(sorted(rows, key=lambda row: row.section == "Other options")),
        "\n".join(line.strip() for line in examples.removeprefix("examples:").strip().splitlines()),
        f"Exit codes: {' '.join(codes.split())}" if codes else "",
        tuple(subcommands),
    )


def all_commands() -> dict[str, CommandFacts]:
    """Return each command of the project, by its name."""
    return {
        "mnist-export": _click_facts(export_command, "mnist-export"),
        "mnist-runtime": _argparse_facts(command_line()),
        "mnist-train": _click_facts(train, "mnist-train"),
        "mnist-evaluate": _click_facts(evaluate, "mnist-evaluate"),
    }


def with_subcommands(command: CommandFacts) -> Iterator[CommandFacts]:
    """Yield a command and those under it."""
    yield command
    for sub in command.subcommands:
        yield from with_subcommands(sub)

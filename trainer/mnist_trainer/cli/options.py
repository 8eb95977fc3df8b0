"""Common parts of the click commands of the trainer and the exporters: help, errors, parameter types and options.

Only click, the standard library and modules with tables are imported here, so that ``--help`` is fast.
"""

from __future__ import annotations

import errno
import os
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, NoReturn

import click
from click.shell_completion import CompletionItem, shell_complete

from mnist_runtime import __version__
from mnist_runtime.system.command import run_command
from mnist_runtime.system.terminal import quiet
from mnist_trainer.cli.parameter_types import NameOrPath
from mnist_trainer.data.load import DATASETS
from mnist_trainer.errors import UsageError, nearest_name
from mnist_trainer.model_io.find import READY_MODELS

__all__ = [
    "EXIT_CODES",
    "MODEL_HELP",
    "OTHER",
    "Command",
    "argument",
    "data_option",
    "json_option",
    "model_type",
    "option",
    "run",
    "trust_option",
]

EXIT_CODES = "Exit codes: 0 done, 1 bug, 2 wrong usage, 4 a package is missing, 5 bad model file, 6 bad data"


class Command(click.Command):
    """A command whose help has sections and examples and fits 80 columns.

    Parameters
    ----------
    examples : str
        Lines of the section "Examples".
    exit_codes : str
        The last lines of the help.
    subcommands : sequence of click.Command
        Commands that run instead of this one if the first argument is their name.
    **settings
        Further arguments of `click.Command`.
    """

    def __init__(
        self,
        *,
        examples: str = "",
        exit_codes: str = EXIT_CODES,
        subcommands: Sequence[click.Command] = (),
        **settings: Any,
    ) -> None:
        super().__init__(
            context_settings={"max_content_width": 80, "help_option_names": ["-h", "--help"]},
            **settings,
        )
        self.examples = examples
        self.exit_codes = exit_codes
        self.subcommands = {str(command.name): command for command in subcommands}
        self.params.append(
            Option(
                ["-q", "--quiet"],
                is_flag=True,
                is_eager=True,
                expose_value=False,
                callback=_be_quiet,
                help="Print only results, warnings and errors: no notes, no progress.",
            )
        )
        self.params.append(
            Option(
                ["--version"],
                is_flag=True,
                is_eager=True,
                expose_value=False,
                callback=_print_version,
                help="Show the version and exit.",
            )
        )

    def make_context(
        self, info_name: str | None, args: list[str], parent: click.Context | None = None, **extra: Any
    ) -> click.Context:
        """Parse `args` with the subcommand that their first word names, otherwise with this command."""
        first = args[0] if args else "-"
        if first in self.subcommands:
            return self.subcommands[first].make_context(f"{info_name} {first}", args[1:], parent, **extra)
        takes_words = any(isinstance(param, click.Argument) for param in self.params)
        if self.subcommands and not takes_words and not first.startswith("-") and not extra.get("resilient_parsing"):
            hint = nearest_name(first, self.subcommands) or f" See {info_name} --help."
            raise UsageError(f"There is no command {info_name} {first}.{hint}")
        return super().make_context(info_name, args, parent, **extra)

    def invoke(self, ctx: click.Context) -> Any:
        """Run the command that `ctx` was made for."""
        return super().invoke(ctx) if ctx.command is self else ctx.command.invoke(ctx)

    def shell_complete(self, ctx: click.Context, incomplete: str) -> list[CompletionItem]:
        """Complete subcommands and options."""
        names = [CompletionItem(name) for name in self.subcommands if name.startswith(incomplete)]
        return [*names, *super().shell_complete(ctx, incomplete)]

    def format_options(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the arguments, the options by section and the subcommands."""
        sections: dict[str, list[tuple[str, str]]] = {}
        for param in self.get_params(ctx):
            row = param.get_help_record(ctx)
            if row:
                sections.setdefault(getattr(param, "section", OTHER), []).append(row)
        rows = [(name, command.get_short_help_str(limit=200)) for name, command in self.subcommands.items()]
        last = sections.pop(OTHER, [])
        for title, records in (*sections.items(), (OTHER, last), ("Other commands", rows)):
            if records:
                with formatter.section(title):
                    formatter.write_dl(records, col_max=28)

    def format_epilog(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:  # noqa: ARG002
        """Write the examples with their line breaks, and the exit codes."""
        if self.examples:
            with formatter.section("Examples"):
                for line in self.examples.strip("\n").splitlines():
                    formatter.write(f"{'':2}{line}".rstrip() + "\n")
        formatter.write_paragraph()
        formatter.write_text(self.exit_codes)


OTHER = "Other options"
FILE_SUFFIXES = (".keras", ".h5", ".hdf5", ".onnx", ".tflite", ".npz", ".csv")
QUIET = "mnist_trainer.quiet"
"""Key in the meta data of a context, which a subcommand shares with its parent."""


class Option(click.Option):
    """An option with a section of the help; its default is in its help text."""

    def __init__(self, *args: Any, section: str = OTHER, **settings: Any) -> None:
        super().__init__(*args, **settings)
        self.section = section

    def get_help_extra(self, ctx: click.Context) -> Any:  # noqa: ARG002
        """Add nothing to the help text."""
        return {}


class Argument(click.Argument):
    """An argument with a help text."""

    section = "Arguments"

    def __init__(self, *args: Any, description: str, **settings: Any) -> None:
        super().__init__(*args, **settings)
        self.description = description

    def get_help_record(self, ctx: click.Context) -> tuple[str, str]:
        """Return the name and the help text."""
        return self.make_metavar(ctx), self.description


def option(*names: str, section: str = OTHER, **settings: Any) -> Callable[[Any], Any]:
    """Return a decorator that adds an option, listed under `section` of the help."""
    return click.option(*names, cls=Option, section=section, **settings)


def argument(name: str, description: str, **settings: Any) -> Callable[[Any], Any]:
    """Return a decorator that adds an argument with a help text."""
    return click.argument(name, cls=Argument, description=description, **settings)


model_type = NameOrPath(READY_MODELS)
"""A ready model or the path of one."""

MODEL_HELP = f"{', '.join(READY_MODELS)}, or a .keras or .h5 file or a SavedModel folder"


def data_option(section: str = OTHER) -> Callable[[Any], Any]:
    """Return the decorator of ``--data``."""
    return option(
        "--data",
        section=section,
        type=NameOrPath(("auto", *DATASETS)),
        default="auto",
        metavar="NAME|PATH",
        help=f"Data set: {', '.join(DATASETS)}, a CSV or .npz file, a folder of pictures or IDX files, a table of "
        "pictures, or auto: mnist if available, otherwise digits (default: auto).",
    )


def trust_option(section: str = OTHER) -> Callable[[Any], Any]:
    """Return the decorator of ``--trust``."""
    return option(
        "--trust",
        section=section,
        is_flag=True,
        help="Run Python code in the model file (Lambda layers). Only for files from sources you trust.",
    )


def json_option(section: str = OTHER) -> Callable[[Any], Any]:
    """Return the decorator of ``--json``."""
    return option("--json", "as_json", section=section, is_flag=True, help="Print one JSON object on stdout.")


def run(command: click.Command, name: str) -> NoReturn:
    """Run `command` as the program `name` with the arguments of `sys.argv`, and end the process.

    Errors of click are reported like those of the toolkit. Shell completion is set up as in click's documentation.
    """
    variable = f"_{name.replace('-', '_').upper()}_COMPLETE"
    if instruction := os.environ.get(variable):
        sys.exit(shell_complete(command, {}, name, variable, instruction))

    def call() -> int:
        try:
            with command.make_context(name, sys.argv[1:]) as context, quiet(QUIET in context.meta):
                return int(command.invoke(context) or 0)
        except click.exceptions.Exit as done:
            return done.exit_code
        except click.UsageError as error:
            program = error.ctx.command_path if error.ctx else name
            message = error.format_message()
            message += "" if message[-1] in ".?" else "."
            if file := _file_with_a_dash(error):
                message += f" A file of this name is ./{file}."
            raise UsageError(f"{message} See {program} --help.") from error
        except OSError as error:
            if error.errno not in (errno.EACCES, errno.ENAMETOOLONG):
                raise
            raise UsageError(f"Cannot use {error.filename}: {error.strerror}. Check the path.") from error

    run_command(call)


def _file_with_a_dash(error: click.UsageError) -> str:
    """Return the word that click took for an unknown option, if it looks like a file name; else an empty string."""
    if not isinstance(error, click.NoSuchOption):
        return ""
    words = [word for word in sys.argv[1:] if word.startswith(error.option_name)]
    return next((word for word in words if Path(word).suffix in FILE_SUFFIXES), "")


def _be_quiet(context: click.Context, _: click.Parameter, wanted: bool) -> None:
    if wanted:
        context.meta[QUIET] = True


def _print_version(context: click.Context, _: click.Parameter, wanted: bool) -> None:
    if wanted and not context.resilient_parsing:
        click.echo(f"{context.info_name} {__version__}")
        context.exit()

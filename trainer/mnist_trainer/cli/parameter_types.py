"""Parameter types of the click commands: numbers, names and paths, with hints for mistyped ones."""

from __future__ import annotations

import math
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import click
from click.shell_completion import CompletionItem

from mnist_runtime.errors import ToolkitError
from mnist_trainer.errors import UsageError, nearest_name, nearest_path

__all__ = [
    "ACCURACY",
    "COUNT",
    "FRACTION",
    "OUTPUT_PATH",
    "POSITIVE",
    "SEED",
    "Choice",
    "ExistingPath",
    "NameOrPath",
    "Number",
]


class WholeNumber(click.IntRange):
    """A whole number in a range."""

    name = "whole number"


class Number(click.FloatRange):
    """A number between two bounds, themselves excluded."""

    name = "number"

    def __init__(self, low: float, high: float) -> None:
        super().__init__(low, high, min_open=True, max_open=True)

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        """Return `value` as a number; reject "nan", which click accepts although it is in no range."""
        number = super().convert(value, param, ctx)
        if math.isnan(number):
            self.fail(f"{value!r} is not a valid number.", param, ctx)
        return number


COUNT = WholeNumber(min=1)
SEED = WholeNumber(0, 2**31 - 1)
POSITIVE = Number(0, math.inf)


class Fraction(click.FloatRange):
    """A fraction above 0, and below 1 or at most 1.

    Parameters
    ----------
    is_one_possible : bool, optional
        Whether 1 is one of them.
    """

    name = "fraction"

    def __init__(self, *, is_one_possible: bool = False) -> None:
        super().__init__(0, 1, min_open=True, max_open=not is_one_possible)

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        """Return `value` as a number. The error for a percentage such as 20 explains that a fraction is needed."""
        number = click.FLOAT.convert(value, param, ctx)
        if not 0 < number <= 1 or (number == 1 and self.max_open):
            most = "below 1. For 2 % give 0.02." if self.max_open else "at most 1. For 98 % give 0.98."
            self.fail(f"{value} is not a fraction above 0 and {most}", param, ctx)
        return number


FRACTION = Fraction()
ACCURACY = Fraction(is_one_possible=True)


class Choice(click.Choice[str]):
    """One of several names; a mistyped name gets the nearest one as a hint."""

    def __init__(self, names: Sequence[str]) -> None:
        super().__init__(tuple(names))

    def get_metavar(self, param: click.Parameter, ctx: click.Context) -> str | None:  # noqa: ARG002
        """Return a short placeholder; the help text lists the names."""
        return "NAME"

    def get_invalid_choice_message(self, value: Any, ctx: click.Context | None) -> str:  # noqa: ARG002
        """Return the message for a name that is not known."""
        hint = nearest_name(str(value), self.choices) or f" Choose one of {', '.join(self.choices)}."
        return f"{str(value)!r} is unknown.{hint}"


class NameOrPath(click.ParamType[str]):
    """One of several names, or a path; it is checked by the function that loads it."""

    name = "name|path"

    def __init__(self, names: Sequence[str]) -> None:
        self.names = tuple(names)

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> str:  # noqa: ARG002
        """Return `value` unchanged."""
        return str(value)

    def shell_complete(
        self,
        ctx: click.Context,  # noqa: ARG002
        param: click.Parameter,  # noqa: ARG002
        incomplete: str,
    ) -> list[CompletionItem]:
        """Return the names that begin with `incomplete`, or paths if there are none."""
        names = [CompletionItem(name) for name in self.names if name.startswith(incomplete)]
        return names or [CompletionItem(incomplete, type="file")]


class ExistingPath(click.Path):
    """A path that exists; a mistyped path gets the nearest one as a hint.

    Parameters
    ----------
    error : type of ToolkitError
        Raised if the path is missing; it sets the exit code.
    """

    def __init__(self, error: type[ToolkitError] = UsageError) -> None:
        super().__init__(path_type=Path)
        self.error = error

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Path:  # noqa: ARG002
        """Return `value` as a path."""
        path = Path(value)
        try:
            if path.exists():
                return path
        except OSError as error:
            raise self.error(f"Cannot read {path}: {error.strerror}. Check the path.") from error
        raise self.error(f"There is no file {path}.{nearest_path(path) or ' Check the path.'}")


class OutputPath(click.Path):
    """A file or folder to write; `mnist_runtime.system.atomic.check_output_path` checks it."""

    def __init__(self) -> None:
        super().__init__(path_type=Path)

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Path:
        """Return `value` as a path. An empty text is an error, because it would mean the current folder."""
        if not str(value):
            self.fail("the path is empty. Give a file or a folder.", param, ctx)
        if str(value) == "-":
            self.fail("results are not written to stdout. Give a file or a folder.", param, ctx)
        return Path(value)


OUTPUT_PATH = OutputPath()

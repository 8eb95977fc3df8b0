"""`data_options`: ``--data``, and ``--labels``, ``--image-size``, ``--channels`` and ``--prepare`` for other images."""

from __future__ import annotations

import functools
import re
from collections.abc import Callable
from typing import Any

import click

from mnist_trainer.cli.options import OTHER, data_option, option
from mnist_trainer.cli.parameter_types import Choice
from mnist_trainer.data.stated import StatedTask, parse_labels

__all__ = ["as_options", "data_options"]

SIZE = re.compile(r"(\d{1,4})(?:[xX*](\d{1,4}))?")


class ImageSize(click.ParamType[tuple[int, int]]):
    """Height and width of an image, ``HxW``; one number for both."""

    name = "HxW"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> tuple[int, int]:
        """Return height and width."""
        found = SIZE.fullmatch(str(value))
        if not found:
            self.fail(f"{value!r} is no size. Give height x width in pixels, such as 32x20", param, ctx)
        height, width = found.groups()
        return int(height), int(width or height)


def data_options(section: str = OTHER) -> Callable[[Any], Any]:
    """Return the decorator of the five options. The command gets two arguments for them, ``data`` and ``stated``."""

    def decorate(command: Callable[..., Any]) -> Any:
        @data_option(section)
        @option(
            "--labels",
            section=section,
            metavar="A,B,...|FILE",
            help="Names of the classes of own data in the order of the scores, or a file with one name on each line "
            "(default: the names of the folders or in the file, otherwise numbers).",
        )
        @option(
            "--image-size",
            section=section,
            type=ImageSize(),
            metavar="HxW",
            help="Height and width of the images of own data, 8 to 128 pixels each, such as 32x20 (default: as found; "
            "28x28 for pictures of digits).",
        )
        @option(
            "--channels",
            section=section,
            type=Choice(("1", "3")),
            metavar="1|3",
            help="1 for gray images, 3 for color (default: as found; 1 for pictures of digits).",
        )
        @option(
            "--prepare",
            section=section,
            type=Choice(("mnist", "plain")),
            help="How pictures are prepared, here and on the device. mnist, for handwriting: cropped, centered, white "
            "on black. plain: only resized (default: mnist for gray digits of 28x28 pixels, otherwise plain).",
        )
        @functools.wraps(command)
        def with_stated(
            *,
            labels: str | None,
            image_size: tuple[int, int] | None,
            channels: str | None,
            prepare: Any,
            **others: Any,
        ) -> Any:
            names = parse_labels(labels) if labels is not None else None
            stated = StatedTask(image_size, int(channels) if channels else None, names, prepare)
            return command(stated=stated, **others)

        return with_stated

    return decorate


def as_options(stated: StatedTask) -> list[str]:
    """Return the command line options that stand for `stated`.

    Examples
    --------
    >>> as_options(StatedTask(size=(32, 20), labels=("left", "right")))
    ['--image-size', '32x20', '--labels', 'left,right']
    """
    words = [] if stated.size is None else ["--image-size", "x".join(map(str, stated.size))]
    words += [] if stated.channels is None else ["--channels", str(stated.channels)]
    words += [] if stated.labels is None else ["--labels", ",".join(stated.labels)]
    return words + ([] if stated.preparation is None else ["--prepare", stated.preparation])

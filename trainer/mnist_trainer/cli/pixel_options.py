"""`pixel_options`: ``--pixel-range``, ``--pixel-mean``, ``--pixel-std`` and ``--invert``."""

from __future__ import annotations

import functools
import re
from collections.abc import Callable
from typing import Any

import click
from click.shell_completion import CompletionItem

from mnist_trainer.cli.options import option
from mnist_trainer.cli.parameter_types import Number
from mnist_trainer.errors import UsageError
from mnist_trainer.recipes.pixel_scaling import LARGEST, PIXEL_CONVENTIONS, PixelScaling

__all__ = ["Range", "pixel_options"]


class Range(click.ParamType[PixelScaling]):
    """A range of numbers, ``A..B``, or another name of a `PixelScaling`."""

    name = "A..B"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> PixelScaling:
        """Return the scaling with the name `value`."""
        try:
            return PixelScaling.parse(str(value))
        except UsageError as error:
            self.fail(str(error), param, ctx)

    def shell_complete(
        self,
        ctx: click.Context,  # noqa: ARG002
        param: click.Parameter,  # noqa: ARG002
        incomplete: str,
    ) -> list[CompletionItem]:
        """Return the usual ranges that begin with `incomplete`."""
        names = [scaling.name for scaling in PIXEL_CONVENTIONS if ".." in scaling.name and not scaling.inverted]
        return [CompletionItem(name) for name in names if name.startswith(incomplete)]


class PixelNumber(Number):
    """One number for the pixels of all channels."""

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        """Return `value` as a number. The error for several numbers explains that only one is supported."""
        if isinstance(value, str) and len(re.findall(r"[^\s,;]+", value)) > 1:
            self.fail(
                f"{value!r} is not one number. Give one number for all channels. If each has its own, begin the "
                "model with a keras.layers.Rescaling layer that has a list of scales and one of offsets.",
                param,
                ctx,
            )
        return super().convert(value, param, ctx)


def pixel_options(section: str) -> Callable[[Any], Any]:
    """Return the decorator of the four options. The command gets one argument for them, ``pixel_range``."""

    def decorate(command: Callable[..., Any]) -> Any:
        @option(
            "--pixel-range",
            section=section,
            type=Range(),
            metavar="A..B",
            help="Pixel values that a Keras model was trained on, black to white: 0..1, 0..255, -1..1 or others "
            "(default: as recorded or measured).",
        )
        @option(
            "--pixel-mean",
            section=section,
            type=PixelNumber(-LARGEST, LARGEST),
            metavar="M",
            help="Mean of the pixels in training. The input was (pixel / 255 - M) / S, or (pixel - M) / S if "
            "M or S is above 1.",
        )
        @option(
            "--pixel-std",
            section=section,
            type=PixelNumber(0, LARGEST),
            metavar="S",
            help="Standard deviation of the pixels in training.",
        )
        @option(
            "--invert",
            section=section,
            is_flag=True,
            help="The model was trained on black digits on white. Needs --pixel-range or --pixel-mean.",
        )
        @functools.wraps(command)
        def with_scaling(
            *,
            pixel_range: PixelScaling | None,
            pixel_mean: float | None,
            pixel_std: float | None,
            invert: bool,
            **others: Any,
        ) -> Any:
            scaling = _scaling(pixel_range, pixel_mean, pixel_std, invert=invert)
            return command(pixel_range=scaling, **others)

        return with_scaling

    return decorate


def _scaling(
    pixel_range: PixelScaling | None, pixel_mean: float | None, pixel_std: float | None, *, invert: bool
) -> PixelScaling | None:
    """Return the scaling that the options state; None without options.

    Raises
    ------
    UsageError
        If the options contradict each other or are incomplete.
    """
    if pixel_range is not None and (pixel_mean is not None or pixel_std is not None):
        raise UsageError("--pixel-range and --pixel-mean with --pixel-std exclude each other. Give one of the two.")
    if (pixel_mean is None) != (pixel_std is None):
        given, missing = ("--pixel-mean", "--pixel-std") if pixel_std is None else ("--pixel-std", "--pixel-mean")
        raise UsageError(f"{given} needs {missing}. Give both; a mean of 0 or a deviation of 1 changes nothing.")
    if pixel_mean is not None and pixel_std is not None:
        return PixelScaling.standardized(pixel_mean, pixel_std, invert=invert)
    if pixel_range is not None:
        if invert and pixel_range.inverted:
            raise UsageError(f"--pixel-range {pixel_range.name!r} already inverts the images. Leave --invert out.")
        return pixel_range.turned() if invert else pixel_range
    if invert:
        raise UsageError(
            "--invert needs --pixel-range, or --pixel-mean and --pixel-std. For a ready model give --pixel-range 0..1 "
            "--invert. For a model without a record give none of these options: both polarities are tried."
        )
    return None

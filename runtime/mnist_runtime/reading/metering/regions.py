"""`Region`: where a picture shows the digits of a value; a TOML file lists the regions of a camera."""

from __future__ import annotations

import json
import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np
import numpy.typing as npt

from mnist_runtime.errors import BackendError, UsageError
from mnist_runtime.preprocess.grayscale import MAX_PIXELS, Mask, grayscale
from mnist_runtime.reading.page import Reading

__all__ = ["MOST_DIGITS", "Box", "Region", "load_regions", "propose_regions", "regions_as_toml"]

Box = tuple[int, int, int, int]

LARGEST_FILE = 1 << 20
"""Most bytes of a file of regions."""
MOST_DIGITS = 15
"""Digits of a value; more would not fit into a float."""
MARGIN = 0.25
"""Most margin around a digit in a proposed box, as a fraction of its height."""
NARROW, BAR = 0.45, 0.33
"""Least width of a wide digit, and of a 1 that is more than a bar, as fractions of the height."""
CELL = 0.65
"""Assumed width of a wide digit, as a fraction of the height, if a row has only narrow ones."""


@dataclass(frozen=True)
class Region:
    """A value in a picture: its name, the boxes of its digits, and limits of its changes.

    Parameters
    ----------
    name : str
        Name of the value, printable and not empty.
    digits : tuple of (int, int, int, int)
        Left, top, right and bottom of each digit, in pixels of the upright picture, the first digit first. Right and
        bottom are exclusive. 1 to 15 digits.
    decimals : int
        Number of digits after the decimal point.
    unit : str
        Such as ``"m³"``.
    may_fall : bool
        Whether the value can become smaller. That of a meter only grows, until it starts again at 0.
    most_per_hour : float or None
        Largest change in an hour; None if it is not known.

    Raises
    ------
    UsageError
        If a fact is outside these bounds.
    """

    name: str
    digits: tuple[Box, ...]
    decimals: int = 0
    unit: str = ""
    may_fall: bool = False
    most_per_hour: float | None = None

    def __post_init__(self) -> None:
        if not (isinstance(self.name, str) and self.name and self.name.isprintable()):
            raise UsageError(f"The name {self.name!r} of a value must be a printable text.")
        if not (isinstance(self.unit, str) and self.unit.isprintable()):
            raise UsageError(f"{self.name}: The unit {self.unit!r} must be a printable text.")
        if not 1 <= len(self.digits) <= MOST_DIGITS:
            raise UsageError(f"{self.name}: There are {len(self.digits)} digits, but 1 to {MOST_DIGITS} are possible.")
        for box in self.digits:
            if len(box) != 4 or not all(type(side) is int for side in box):
                raise UsageError(f"{self.name}: The box {list(box)} is not [left, top, right, bottom] in whole pixels.")
            left, top, right, bottom = box
            if not (0 <= left < right and 0 <= top < bottom):
                raise UsageError(f"{self.name}: The box {list(box)} is empty or begins outside of the picture.")
        if type(self.decimals) is not int or not 0 <= self.decimals <= len(self.digits):
            raise UsageError(f"{self.name}: `decimals` is {self.decimals}, but must be 0 to {len(self.digits)}.")
        if type(self.may_fall) is not bool:
            raise UsageError(f"{self.name}: `may_fall` is {self.may_fall!r}, but must be true or false.")
        most = self.most_per_hour
        is_number = isinstance(most, (int, float)) and not isinstance(most, bool) and 0 < most < math.inf
        if most is not None and not is_number:
            raise UsageError(f"{self.name}: `most_per_hour` is {most!r}, but must be a number above 0.")


def load_regions(path: str | Path) -> tuple[Region, ...]:
    r"""Read a TOML file with a table ``[[value]]`` for each region; its keys are the parameters of `Region`.

    Raises
    ------
    UsageError
        If it cannot be read, is not TOML, or a table has other keys or values.
    BackendError
        If Python is older than 3.11.

    Examples
    --------
    >>> from tempfile import mkdtemp
    >>> path = Path(mkdtemp()) / "meter.toml"
    >>> _ = path.write_text('[[value]]\nname = "water"\ndigits = [[0, 0, 20, 32], [20, 0, 40, 32]]\ndecimals = 1')
    >>> load_regions(path)[0].decimals
    1
    """
    try:
        import tomllib
    except ImportError as error:
        raise BackendError("Files of regions need Python 3.11 or newer. Install that.") from error
    try:
        with Path(path).open("rb") as file:
            text = file.read(LARGEST_FILE + 1)
        if len(text) > LARGEST_FILE:
            raise UsageError(f"{path}: The file is larger than {LARGEST_FILE >> 20} MiB, so it is no list of regions.")
        found: dict[str, Any] = tomllib.loads(text.decode())
    except OSError as error:
        raise UsageError(f"Cannot read {path}: {error.strerror}. Check the path.") from error
    except UnicodeDecodeError as error:
        raise UsageError(f"{path} is not UTF-8 text; PowerShell's > writes UTF-16. Save it as UTF-8.") from error
    except ValueError as error:
        if isinstance(error, UsageError):
            raise
        raise UsageError(f"{path}: The file is not valid TOML ({error}). See: mnist-runtime regions") from error
    values = found.pop("value", None)
    if found or not isinstance(values, list) or not values:
        raise UsageError(f"{path}: Give a table [[value]] for each value, and nothing else. See: mnist-runtime regions")
    try:
        regions = tuple(_region(value) for value in values)
    except UsageError as error:
        raise UsageError(f"{path}: {error}") from error
    names = [region.name for region in regions]
    if twice := next((name for name in names if names.count(name) > 1), None):
        raise UsageError(f"{path}: Two values have the name {twice!r}. Give each its own.")
    return regions


def _region(value: Any) -> Region:
    if not isinstance(value, dict):
        raise UsageError("Give a table [[value]] for each value.")
    known = set(Region.__dataclass_fields__)
    if unknown := sorted(set(value) - known):
        raise UsageError(f"The key {unknown[0]!r} is not one of {', '.join(sorted(known))}.")
    if missing := [key for key in ("name", "digits") if key not in value]:
        raise UsageError(f"A value lacks the key {missing[0]!r}.")
    boxes = value["digits"]
    if not isinstance(boxes, list) or not all(isinstance(box, list) for box in boxes):
        raise UsageError(f"`digits` is {boxes!r:.60}, but must be a list of boxes [left, top, right, bottom].")
    return Region(**{**value, "digits": tuple(map(tuple, boxes))})


def propose_regions(rows: Sequence[Sequence[Reading]], pixels: npt.NDArray[np.uint8]) -> tuple[Region, ...]:
    """Return a region for each row of digits, named ``value-1`` and so on, with a margin around each digit.

    A narrow digit gets a box as wide as the others of its row, placed at an even distance. Boxes do not overlap.

    Parameters
    ----------
    rows : sequence of sequence of Reading
        The digits of a picture by row, as `mnist_runtime.read` finds them. Rows of more than 15 digits are left out.
    pixels : ndarray of shape (h, w) or (h, w, channels), dtype uint8
        The picture.
    """
    usable = [[reading.box for reading in row] for row in rows if 1 <= len(row) <= MOST_DIGITS]
    boxes = [box for row in usable for box in row]
    return tuple(Region(f"value-{number}", _boxes(row, boxes, pixels)) for number, row in enumerate(usable, start=1))


def _inked_columns(box: Box, first: int, last: int, pixels: npt.NDArray[np.uint8]) -> Mask:
    """Return whether there is ink in each column from `first` to `last`, in the rows of a digit's box."""
    margin = round(MARGIN * (box[3] - box[1]))  # without it, a column full of ink looks like one without
    gray = grayscale(pixels[max(box[1] - margin, 0) : box[3] + margin, first:last], MAX_PIXELS)
    contrast = np.ptp(gray, axis=0)
    inked: Mask = contrast > contrast.max() / 2
    return inked


def _boxes(row: list[Box], digits: list[Box], pixels: npt.NDArray[np.uint8]) -> tuple[Box, ...]:
    """Return boxes with margins for a `row` of ink boxes; they do not overlap those of all `digits`."""
    cells, found = _cells(row), []
    height, width = pixels.shape[:2]
    for place, (box, (start, stop)) in enumerate(zip(row, cells, strict=True)):
        left, top, right, bottom = box
        margin = round(MARGIN * (bottom - top))
        first, last = max(start - margin, 0), min(stop + margin, width)
        if place:
            first = max(first, _between(row, cells, place - 1))
        if place + 1 < len(row):
            last = min(last, _between(row, cells, place))
        last = max(last, first + 1)
        inked = first + np.flatnonzero(_inked_columns(box, first, last, pixels))
        if (before := inked[inked < min(start, left)]).size:  # such as a colon
            first = int(before[-1] + 1 + start) // 2
        if (after := inked[inked >= max(stop, right)]).size:
            last = int(after[0] + stop + 1) // 2
        near = [each for each in digits if each[0] < last and each[2] > first]
        upper = max(top - margin, 0, *((top + each[3]) // 2 for each in near if each[3] <= top))
        lower = min(bottom + margin, height, *((bottom + each[1]) // 2 for each in near if each[1] >= bottom))
        found.append((first, upper, last, lower))
    return tuple(found)


def _between(row: list[Box], cells: list[tuple[int, int]], place: int) -> int:
    """Return the column between the cells of a digit and the next, outside of their ink."""
    middle, ink, following = (cells[place][1] + cells[place + 1][0]) // 2, row[place][2], row[place + 1][0]
    return min(max(middle, ink), following) if ink <= following else (ink + following) // 2


def _cells(row: list[Box]) -> list[tuple[int, int]]:
    """Return left and right of each digit; of a narrow one, of a wide digit that may take its place.

    A printed 1 is in the middle of its place, a 1 of seven segments at the right. If the distance to wide digits does
    not show which it is, a bare bar counts as seven segments.
    """
    wide = [box for box in row if box[2] - box[0] >= NARROW * (box[3] - box[1])]
    width = max((right - left for left, _, right, _ in wide), default=0)
    middles = [(left + right) / 2 for left, _, right, _ in row]
    is_wide = [box in wide for box in row]
    pairs = [(one, one + step) for step in (1, 2) for one in range(len(row) - step)]
    pitch = min(((middles[b] - middles[a]) / (b - a) for a, b in pairs if is_wide[a] == is_wide[b]), default=0.0)
    shifts = [
        middles[a] + sign * pitch - middles[b]
        for one in range(len(row) - 1)
        for a, b, sign in ((one, one + 1, 1), (one + 1, one, -1))
        if pitch and is_wide[a] and not is_wide[b]
    ]
    shifts = [shift for shift in shifts if abs(shift) <= width / 2]
    cells = []
    for (left, top, right, bottom), middle, is_cell in zip(row, middles, is_wide, strict=True):
        if is_cell:
            cells.append((left, right))
            continue
        needed = width or CELL * (bottom - top)
        is_bar = right - left < BAR * (bottom - top)
        shift = median(shifts) if shifts else (right - left - needed) / 2 if is_bar else 0.0
        cells.append((min(left, round(middle + shift - needed / 2)), max(right, round(middle + shift + needed / 2))))
    return cells


def regions_as_toml(regions: Sequence[Region]) -> str:
    """Return `regions` as the text of a file for `load_regions`."""
    tables = []
    for region in regions:
        boxes = ", ".join(str(list(box)) for box in region.digits)
        most = "# most_per_hour = 1.0" if region.most_per_hour is None else f"most_per_hour = {region.most_per_hour}"
        # A JSON string without escapes above ASCII is a basic string of TOML.
        name, unit = (json.dumps(text, ensure_ascii=False) for text in (region.name, region.unit))
        tables.append(
            f"[[value]]\nname = {name}\nunit = {unit}\n"
            f"digits = [{boxes}]  # left, top, right, bottom of each digit\n"
            f"decimals = {region.decimals}\nmay_fall = {str(region.may_fall).lower()}\n{most}\n"
        )
    return "\n".join(tables)

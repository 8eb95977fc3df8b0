"""`photograph`: real handwritten digits, put on paper and photographed: there are no photographs to test with.

The strokes are people's (MNIST's or scikit-learn's images, which are given, never kept); paper, light, lens and file
are made up. `CONDITIONS` is the table of what can go wrong, one row a disturbance; `PAGES` is that of whole pages,
and `NOTHING` that of pictures without a digit.
"""

from __future__ import annotations

import io
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt
from PIL import Image
from scipy import ndimage

__all__ = [
    "CONDITIONS",
    "NOTHING",
    "PAGES",
    "Conditions",
    "Written",
    "photograph",
    "photograph_one",
    "photograph_page",
    "place",
    "stroke_of",
    "with_pen",
]

Pixels = npt.NDArray[np.uint8]
Plane = npt.NDArray[np.float32]
Random = np.random.Generator


@dataclass(frozen=True)
class Conditions:
    """How a digit was written and photographed. Brightness is 0..255, shares are of what is named.

    Parameters
    ----------
    side : (int, int)
        Longer side of the picture, in pixels, drawn between the two.
    height : (float, float)
        The digit's, as a share of the picture's shorter side.
    stroke : float
        Share of the strokes' width that is left: a pencil is thinner than the pen that MNIST's writers had.
    ink, paper : (int, int)
        Their brightness.
    grain : float
        Share of the ink that the paper's tooth keeps away.
    light : str
        A row of `LIGHTS`.
    texture : float
        Standard deviation of the paper's brightness, coarse and fine together.
    ruling : str
        A row of `RULINGS`.
    blur : float
        Standard deviation of the lens's blur, as a share of the digit's height.
    noise : float
        Standard deviation of the sensor's.
    jpeg : int or None
        Quality of the file, 1 to 95.
    rotation : float
        The greatest, in degrees, to either side.
    specks : int
        Specks of dirt.
    bend : float
        How far the sheet is seen aslant and rolls up, as a share of the picture; straight lines become curves.
    cropped : bool
        Only the digit is left of the picture, with a margin of a twentieth of its height.
    desk : bool
        The sheet does not fill the picture: there is a dark desk around it.
    inverted : bool
        Light on dark.
    transparency : str
        ``""``, ``"ink"`` (all but the strokes is transparent) or ``"card"`` (an opaque card in a transparent frame).
    """

    side: tuple[int, int] = (300, 900)
    height: tuple[float, float] = (0.35, 0.8)
    stroke: float = 1.0
    ink: tuple[int, int] = (15, 60)
    paper: tuple[int, int] = (205, 250)
    grain: float = 0.0
    light: str = "even"
    texture: float = 0.0
    ruling: str = "blank"
    blur: float = 0.0
    noise: float = 0.0
    jpeg: int | None = None
    rotation: float = 0.0
    specks: int = 0
    bend: float = 0.0
    cropped: bool = False
    desk: bool = False
    inverted: bool = False
    transparency: str = ""


PENCIL = Conditions(stroke=0.25, ink=(95, 140), paper=(190, 225), grain=0.35, texture=3)
PHONE = Conditions(texture=3, noise=4, jpeg=75, blur=0.005, light="gradient", rotation=5)

CONDITIONS: dict[str, Conditions] = {
    "clean": Conditions(),
    "clean, 100 px": Conditions(side=(100, 100)),
    "clean, 4000 px": Conditions(side=(4000, 4000)),
    "small in the picture": Conditions(side=(1000, 2000), height=(0.06, 0.15), texture=2, noise=3),
    "gradient": Conditions(light="gradient", noise=2),
    "vignette": Conditions(light="vignette", noise=2),
    "edge of a shadow": Conditions(light="shadow", noise=2),
    "paper texture": Conditions(texture=9),
    "noise": Conditions(noise=18),
    "blur": Conditions(blur=0.03),
    "JPEG at 10": Conditions(jpeg=10, texture=2),
    "thin strokes": Conditions(stroke=0.2),
    "pencil, grey on grey": PENCIL,
    "notebook lines": Conditions(ruling="lines", texture=2),
    "notebook grid": Conditions(ruling="grid", texture=2),
    "specks": Conditions(specks=12),
    "rotated to 15 degrees": Conditions(rotation=15),
    "inverted": Conditions(inverted=True, light="gradient", texture=3, noise=4),
    "transparent paper": Conditions(transparency="ink"),
    "card in a clear frame": Conditions(transparency="card"),
    "white on a black card": Conditions(transparency="card", inverted=True),
    "phone": PHONE,
    "phone, 100 px": replace(PHONE, side=(100, 100)),
    "phone, 4000 px": replace(PHONE, side=(4000, 4000)),
    "phone, pencil": replace(PENCIL, light="gradient", noise=4, jpeg=75, blur=0.004, rotation=5),
    "phone, lines": replace(PHONE, ruling="lines"),
    "phone, grid": replace(PHONE, ruling="grid"),
    "phone, lines, pencil": replace(PENCIL, light="gradient", noise=4, jpeg=75, rotation=5, ruling="lines"),
    "phone, cropped": replace(PHONE, cropped=True),
    "phone, lines, bent": replace(PHONE, ruling="lines", bend=0.1),
    "phone, on a desk": replace(PHONE, bend=0.08, desk=True),
    "phone, shadow, specks": replace(PHONE, light="shadow", specks=8, jpeg=40),
}
"""Name -> what is done to a digit."""

PAGES: dict[str, Conditions] = {
    name: replace(CONDITIONS[name], side=(900, 2400), rotation=0)
    for name in (
        "clean",
        "thin strokes",
        "pencil, grey on grey",
        "edge of a shadow",
        "notebook lines",
        "inverted",
        "phone",
        "phone, lines",
        "phone, grid",
        "phone, pencil",
        "phone, lines, pencil",
        "phone, shadow, specks",
    )
}
"""Name -> what is done to a page of digits, each of which is turned a little of its own, as the rows are."""


@dataclass(frozen=True)
class Written:
    """A digit on the page: its image as MNIST has them, the middle, the height in pixels, and its turn in degrees."""

    image: Pixels
    row: float
    column: float
    height: float
    angle: float = 0.0


def with_pen(conditions: Conditions, longest: int = 4000) -> Conditions:
    """Return `conditions` with strokes no thicker than a pen's, for images in whose few pixels strokes are thick.

    Pictures are no larger than `longest`, which saves time.
    """
    side = (min(longest, conditions.side[0]), min(longest, conditions.side[1]))
    return replace(conditions, stroke=min(0.6, conditions.stroke), side=side)


def photograph_one(image: Pixels, conditions: Conditions, random: Random) -> Pixels:
    """Photograph one digit, somewhere near the middle of a sheet."""
    longer = int(random.integers(conditions.side[0], conditions.side[1] + 1))
    shorter = int(longer * random.uniform(0.6, 1.0))
    shape = (longer, shorter) if random.random() < 0.5 else (shorter, longer)
    height = random.uniform(*conditions.height) * shorter
    angle = random.uniform(-1, 1) * conditions.rotation
    extents = place(Written(image, 0, 0, 100, angle))[0].shape
    height = min(height, 100 * 0.9 * min(side / extent for side, extent in zip(shape, extents, strict=True)))
    room = [0.95 * side / 2 - height / 100 * extent / 2 for side, extent in zip(shape, extents, strict=True)]
    row, column = (side / 2 + random.uniform(-1, 1) * space for side, space in zip(shape, room, strict=True))
    picture = photograph([Written(image, row, column, height, angle)], shape, conditions, random)
    if not conditions.cropped:
        return picture
    across, down = height / 100 * extents[1] / 2 + height / 20, height / 100 * extents[0] / 2 + height / 20
    return picture[
        max(0, round(row - down)) : round(row + down), max(0, round(column - across)) : round(column + across)
    ]


def photograph_page(images: Sequence[Pixels], conditions: Conditions, random: Random) -> tuple[Pixels, list[Written]]:
    """Photograph a sheet with `images` in rows of three to six; `Written` are in reading order."""
    longer = int(random.integers(conditions.side[0], conditions.side[1] + 1))
    written, shape = _write_page(images, int(random.integers(3, 7)), longer, random)
    return photograph(written, shape, conditions, random), written


def _write_page(
    images: Sequence[Pixels], columns: int, longer: int, random: Random
) -> tuple[list[Written], tuple[int, int]]:
    """Write `images` in rows of `columns` on a sheet, not quite level, not quite in line and not of one size.

    Returns
    -------
    list of Written
        In reading order.
    tuple of (int, int)
        Height and width of the sheet.
    """
    shape = (longer, round(longer * random.uniform(0.65, 0.9)))
    if random.random() < 0.5:
        shape = (shape[1], shape[0])
    rows = -(-len(images) // columns)
    pitch = min(0.8 * shape[0] / rows, 0.85 * shape[1] / columns)
    usual = pitch * random.uniform(0.45, 0.65)
    slant = np.tan(np.radians(random.uniform(-4, 4)))
    written = []
    for number, image in enumerate(images):
        row, column = divmod(number, columns)
        across = (column - (columns - 1) / 2) * pitch + random.uniform(-0.06, 0.06) * pitch
        down = (row - (rows - 1) / 2) * pitch + slant * across + random.uniform(-0.06, 0.06) * pitch
        height = usual * random.uniform(0.8, 1.2)
        written.append(Written(image, shape[0] / 2 + down, shape[1] / 2 + across, height, random.uniform(-8, 8)))
    return written, shape


def photograph(digits: Sequence[Written], shape: tuple[int, int], conditions: Conditions, random: Random) -> Pixels:
    """Photograph a sheet with `digits` on it.

    Returns
    -------
    ndarray of shape (h, w, 3) or (h, w, 4), dtype uint8
    """
    coverage = np.zeros(shape, np.float32)
    for digit in digits:
        stroke, top, left = place(digit, conditions.stroke)
        _lay(coverage, stroke, top, left)
    size = float(np.mean([digit.height for digit in digits])) if digits else min(shape) / 3
    for _ in range(conditions.specks):
        radius = max(0.6, size * random.uniform(0.004, 0.012))
        side = int(2 * radius) + 2
        rows, columns = np.indices((side, side)) - radius
        speck = np.clip(radius - np.hypot(rows, columns) + 0.5, 0, 1).astype(np.float32)
        _lay(coverage, speck, int(random.integers(shape[0])), int(random.integers(shape[1])))
    if conditions.transparency == "ink":
        shade = random.integers(0, 256)
        return np.dstack([np.full((*shape, 3), shade), np.rint(255 * coverage)]).astype(np.uint8)
    if conditions.grain:
        tooth = ndimage.gaussian_filter(random.standard_normal(shape, np.float32), max(0.7, size / 250))
        coverage *= 1 - conditions.grain * np.clip(0.5 + tooth / (2 * tooth.std()), 0, 1)
    paper = np.full(shape, random.integers(conditions.paper[0], conditions.paper[1] + 1), np.float32)
    if conditions.texture:
        paper += conditions.texture * _texture(shape, random)
    paper = RULINGS[conditions.ruling](paper, size, random)
    ink = np.float32(random.integers(conditions.ink[0], conditions.ink[1] + 1))
    scene = paper + (np.minimum(ink, paper) - paper) * coverage
    if conditions.inverted:
        scene = 255 - scene
    if conditions.bend or conditions.desk:
        scene = _as_it_lies(scene, conditions.bend, conditions.desk, random)
    scene *= LIGHTS[conditions.light](shape, random)
    if conditions.blur:
        scene = ndimage.gaussian_filter(scene, conditions.blur * size)
    if conditions.noise:
        scene = scene + conditions.noise * random.standard_normal(shape, np.float32)
    picture = np.clip(np.rint(scene), 0, 255).astype(np.uint8)
    if conditions.jpeg is not None:
        buffer = io.BytesIO()
        Image.fromarray(picture).save(buffer, "JPEG", quality=conditions.jpeg)
        picture = np.asarray(Image.open(buffer))
    if conditions.transparency == "card":
        frame = [max(1, side // 10) for side in shape]
        alpha = np.pad(np.full(shape, 255, np.uint8), [(side, side) for side in frame])
        card = np.pad(picture, [(side, side) for side in frame], constant_values=int(random.choice([0, 255])))
        return np.dstack([card, card, card, alpha])
    return np.dstack([picture] * 3)


def _as_it_lies(scene: Plane, bend: float, desk: bool, random: Random) -> Plane:
    """Return the sheet `scene` as a camera sees it that is held aslant, its edges rolled up, perhaps on a desk."""
    height, width = scene.shape
    rows, columns = np.meshgrid(np.linspace(-1, 1, height), np.linspace(-1, 1, width), indexing="ij")
    aslant, roll, turn = random.uniform(-bend, bend, 2), random.uniform(-bend, bend), random.uniform(-bend, bend)
    depth = 1 + aslant[0] * rows + aslant[1] * columns
    scale = random.uniform(1.1, 1.3) if desk else 1.0
    aside = random.uniform(1 - scale, scale - 1, 2)
    from_row = scale * (rows + turn * columns) / depth + roll * columns**2 + aside[0]
    from_column = scale * (columns - turn * rows) / depth + aside[1]
    places = [(from_row + 1) / 2 * (height - 1), (from_column + 1) / 2 * (width - 1)]
    if not desk:
        return ndimage.map_coordinates(scene, places, order=1, mode="nearest").astype(np.float32)
    wood = random.integers(30, 110) + 6 * _texture(scene.shape, random)
    seen = ndimage.map_coordinates(scene, places, order=1, mode="constant", cval=-1e4)
    return np.where(seen < -100, wood, seen).astype(np.float32)


def place(digit: Written, width: float = 1.0) -> tuple[Plane, int, int]:
    """Return the coverage 0..1 of a digit's strokes at its size, and where its upper left corner lies."""
    stroke = stroke_of(digit.image, digit.height, width)
    if digit.angle:
        stroke = np.clip(ndimage.rotate(stroke, digit.angle, order=1), 0, 1)
    top = round(digit.row - stroke.shape[0] / 2)
    left = round(digit.column - stroke.shape[1] / 2)
    return stroke, top, left


def stroke_of(image: Pixels, height: float, width: float = 1.0) -> Plane:
    """Return the coverage 0..1 of the strokes of `image`, smooth at any size, `height` pixels high.

    With `width` below 1 each stroke becomes a thin line along its middle.
    """
    rows, columns = np.flatnonzero(image.max(axis=1) > 60), np.flatnonzero(image.max(axis=0) > 60)
    cut = np.pad(image[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1].astype(np.float32) / 255, 3)
    zoom = 6 if width < 1 else min(280 / cut.shape[0], 4 * max(20.0, height) / cut.shape[0])
    marked = ndimage.gaussian_filter(ndimage.zoom(cut, zoom, order=3), 0.35 * zoom) > 0.42
    inside, outside = ndimage.distance_transform_edt(marked), ndimage.distance_transform_edt(~marked)
    if width < 1:
        middle = _thinned(marked)
        radius = width * float(inside[middle].mean())
        signed = ndimage.gaussian_filter(radius - ndimage.distance_transform_edt(~middle), 1.0)
    else:
        signed = np.where(marked, inside - 0.5, 0.5 - outside)
    rows, columns = np.flatnonzero((signed > 0).any(axis=1)), np.flatnonzero((signed > 0).any(axis=0))
    signed = signed[max(0, rows[0] - 4) : rows[-1] + 5, max(0, columns[0] - 4) : columns[-1] + 5]
    scale = height / (rows[-1] - rows[0] + 1)
    if scale < 1:
        signed = ndimage.gaussian_filter(signed, 0.4 / scale)
    scaled = ndimage.zoom(signed.astype(np.float32), scale, order=1, grid_mode=True, mode="nearest")
    return np.clip(scaled * scale + 0.5, 0, 1)


def _thinned(mask: npt.NDArray[np.bool_]) -> npt.NDArray[np.bool_]:
    """Return the middle lines of `mask`, one pixel wide (T. Y. Zhang, C. Y. Suen 1984)."""
    thin = np.pad(mask, 1)
    around = ((-1, 0), (-1, 1), (0, 1), (1, 1), (1, 0), (1, -1), (0, -1), (-1, -1))
    changed = True
    while changed:
        changed = False
        for first, second in (((0, 2, 4), (2, 4, 6)), ((0, 2, 6), (0, 4, 6))):
            ring = np.stack([np.roll(thin, (-row, -column), (0, 1)) for row, column in around])
            number = ring.sum(axis=0)
            turns = (~ring & np.roll(ring, -1, axis=0)).sum(axis=0)
            kept = ring[list(first)].all(axis=0) | ring[list(second)].all(axis=0)
            gone = thin & (number >= 2) & (number <= 6) & (turns == 1) & ~kept
            changed |= bool(gone.any())
            thin &= ~gone
    return thin[1:-1, 1:-1]


def _lay(coverage: Plane, stroke: Plane, top: int, left: int) -> None:
    """Darken `coverage` by `stroke`, as far as it lies on the sheet."""
    height, width = stroke.shape
    rows = slice(max(0, top), min(coverage.shape[0], top + height))
    columns = slice(max(0, left), min(coverage.shape[1], left + width))
    part = stroke[max(0, -top) : rows.stop - top, max(0, -left) : columns.stop - left]
    if part.size:
        coverage[rows, columns] = np.maximum(coverage[rows, columns], part)


def _texture(shape: tuple[int, int], random: Random) -> Plane:
    """Return noise of standard deviation 1, half of it fine as fibres, half coarse as stains."""
    fine = ndimage.gaussian_filter(random.standard_normal(shape, np.float32), 0.8)
    small = random.standard_normal((9, 9)).astype(np.float32)
    coarse = ndimage.zoom(small, np.array(shape) / 9, order=3, grid_mode=True, mode="nearest")[: shape[0], : shape[1]]
    both = fine / fine.std() + coarse / coarse.std()
    return (both / both.std()).astype(np.float32)


def _even(shape: tuple[int, int], random: Random) -> Plane:
    return np.ones((1, 1), np.float32)


def _gradient(shape: tuple[int, int], random: Random) -> Plane:
    """Return light from one side: the far corner has down to 0.4 of it."""
    rows, columns = (np.linspace(-1, 1, side, dtype=np.float32) for side in shape)
    angle = random.uniform(0, 2 * np.pi)
    slope = (np.sin(angle) * rows[:, None] + np.cos(angle) * columns) / (abs(np.sin(angle)) + abs(np.cos(angle)))
    darkest = random.uniform(0.4, 0.7)
    return (1 - (1 - darkest) * (1 + slope) / 2).astype(np.float32)


def _vignette(shape: tuple[int, int], random: Random) -> Plane:
    """Return a lens's light, its corners down to 0.4."""
    rows, columns = (np.linspace(-1, 1, side, dtype=np.float32) for side in shape)
    distance = (rows[:, None] ** 2 + columns**2) / 2
    return (1 - random.uniform(0.3, 0.6) * distance**1.2).astype(np.float32)


def _shadow(shape: tuple[int, int], random: Random) -> Plane:
    """Return light with the shadow of a straight edge, as of the telephone itself, somewhere across the picture."""
    rows, columns = (np.linspace(-1, 1, side, dtype=np.float32) for side in shape)
    angle = random.uniform(0, 2 * np.pi)
    slope = np.sin(angle) * rows[:, None] + np.cos(angle) * columns - random.uniform(-0.6, 0.6)
    softness = random.uniform(0.01, 0.1)
    return (1 - random.uniform(0.3, 0.5) / (1 + np.exp(-np.clip(slope / softness, -30, 30)))).astype(np.float32)


LIGHTS: dict[str, Callable[[tuple[int, int], Random], Plane]] = {
    "even": _even,
    "gradient": _gradient,
    "vignette": _vignette,
    "shadow": _shadow,
}
"""Name -> how light falls on a sheet of a shape: a factor for each pixel."""


def _blank(paper: Plane, size: float, random: Random) -> Plane:
    return paper


def _lines(paper: Plane, size: float, random: Random) -> Plane:
    """Rule the sheet for digits of `size`, and give it a margin, both a little out of the horizontal."""
    angle, strength = random.uniform(-3, 3), random.uniform(30, 80)
    ruled = _rule(paper, size * random.uniform(0.5, 1.3), angle, strength, size, random)
    return _rule(ruled, 4 * max(paper.shape), angle + 90, strength, size, random)


def _grid(paper: Plane, size: float, random: Random) -> Plane:
    angle, strength, pitch = random.uniform(-3, 3), random.uniform(30, 80), size * random.uniform(0.35, 0.8)
    ruled = _rule(paper, pitch, angle, strength, size, random)
    return _rule(ruled, pitch, angle + 90, strength, size, random)


def _rule(paper: Plane, pitch: float, angle: float, strength: float, size: float, random: Random) -> Plane:
    """Draw parallel lines, `pitch` apart, darker than the paper by `strength`, 1/100 to 1/40 of `size` wide."""
    rows, columns = np.indices(paper.shape, np.float32)
    across = rows * np.float32(np.cos(np.radians(angle))) - columns * np.float32(np.sin(np.radians(angle)))
    width = max(1.0, size * random.uniform(0.01, 0.025))
    away = np.abs((across - random.uniform(0, pitch) + pitch / 2) % pitch - pitch / 2)
    if angle > 45:  # the one line of a margin, or a grid's
        away = away if pitch < max(paper.shape) else np.abs(across + random.uniform(0.1, 0.9) * paper.shape[1])
    return paper - strength * np.clip(width / 2 - away + 0.5, 0, 1)


RULINGS: dict[str, Callable[[Plane, float, Random], Plane]] = {"blank": _blank, "lines": _lines, "grid": _grid}
"""Name -> what is printed on the paper for digits of a size."""


def _empty(name: str) -> Callable[[Random], Pixels]:
    def sheet(random: Random) -> Pixels:
        conditions = CONDITIONS[name]
        shape = (int(random.integers(300, 900)), int(random.integers(300, 900)))
        return photograph([], shape, conditions, random)

    return sheet


def _fabric(random: Random) -> Pixels:
    """Return a crop of a rough surface, woven or not."""
    shape = (int(random.integers(200, 600)), int(random.integers(200, 600)))
    rows, columns = np.indices(shape, np.float32)
    period, angle = random.uniform(4, 30), random.uniform(0, np.pi)
    weave = np.sin((rows * np.sin(angle) + columns * np.cos(angle)) * 2 * np.pi / period)
    weave = weave * np.sin((rows * np.cos(angle) - columns * np.sin(angle)) * 2 * np.pi / period)
    surface = random.uniform(70, 180) + random.uniform(0, 40) * weave + random.uniform(10, 40) * _texture(shape, random)
    return np.clip(np.rint(surface), 0, 255).astype(np.uint8)


def _doodle(random: Random) -> Pixels:
    """Return a pen's way over a sheet without a plan, photographed."""
    side = int(random.integers(300, 700))
    turns = random.integers(12, 30)
    points = ndimage.zoom(
        random.uniform(0.15, 0.85, (turns, 2)) * side, (40, 1), order=3, grid_mode=True, mode="nearest"
    )
    row, column = np.clip(np.rint(points), 0, side - 1).astype(int).T
    drawn = np.ones((side, side), bool)
    drawn[row, column] = False
    coverage = np.clip(side / 90 + 0.5 - ndimage.distance_transform_edt(drawn), 0, 1)
    sheet = (225 - 180 * coverage) * _gradient((side, side), random) + 4 * random.standard_normal((side, side))
    return np.clip(np.rint(sheet), 0, 255).astype(np.uint8)


NOTHING: dict[str, Callable[[Random], Pixels]] = {
    "empty sheet": _empty("clean"),
    "empty, phone": _empty("phone"),
    "empty, edge of a shadow": _empty("edge of a shadow"),
    "empty, specks": _empty("phone, shadow, specks"),
    "notebook lines alone": _empty("notebook lines"),
    "phone, lines alone": _empty("phone, lines"),
    "phone, grid alone": _empty("phone, grid"),
    "empty, on a desk": _empty("phone, on a desk"),
    "fabric": _fabric,
    "doodle": _doodle,
}
"""Name -> a picture without a digit."""

"""Render photographs of handwritten digits, since there are no real ones to test with.

The strokes are from images of MNIST or scikit-learn, which the caller provides. Paper, light, lens and file are
simulated: one row of `CONDITIONS` for each disturbance, of `PAGES` for whole pages.
"""

from __future__ import annotations

import io
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt
from PIL import Image
from scipy import ndimage

from mnist_tools.rendering.paper import LIGHTS, RULED_LINES, add_ink, lay_down, texture
from mnist_tools.rendering.pen import Written, draw_frame, place, stroke_of

__all__ = [
    "CONDITIONS",
    "PAGES",
    "Conditions",
    "Written",
    "photograph",
    "photograph_one",
    "photograph_page",
    "stroke_of",
    "with_pen",
]

Pixels = npt.NDArray[np.uint8]
Plane = npt.NDArray[np.float32]
Random = np.random.Generator


@dataclass(frozen=True)
class Conditions:
    """How a digit is written and photographed; brightness is 0..255.

    Parameters
    ----------
    side : (int, int)
        Range of the picture's longer side, in pixels.
    height : (float, float)
        Range of the digit's height, as a fraction of the picture's shorter side.
    stroke : float
        Width of the strokes, as a fraction of their width in the image; a pencil is thinner than MNIST's pens.
    ink, paper : (int, int)
        Ranges of their brightness.
    grain : float
        Fraction of the ink that is missing where the paper is rough.
    light : str
        A row of `LIGHTS`.
    texture : float
        Standard deviation of the paper's brightness.
    ruled_lines : str
        A row of `RULED_LINES`.
    blur : float
        Standard deviation of the lens's blur, as a fraction of the digit's height.
    noise : float
        Standard deviation of the sensor's noise.
    jpeg : int or None
        Quality of the JPEG file, 1 to 95.
    rotation : float
        Largest rotation to either side, in degrees.
    specks : int
        Number of dirt specks.
    bend : float
        Strength of perspective and curled edges, as a fraction of the picture; straight lines become curves.
    cropped : bool
        Crop the picture to the digit, with a margin of a twentieth of its height.
    desk : bool
        Show a dark desk around the page.
    inverted : bool
        Light ink on a dark background.
    frame : str
        A row of `FRAMES`; what is drawn around each digit.
    transparency : str
        ``""``, ``"ink"`` (everything but the strokes is transparent) or ``"card"`` (an opaque card in a transparent
        frame).
    """

    side: tuple[int, int] = (300, 900)
    height: tuple[float, float] = (0.35, 0.8)
    stroke: float = 1.0
    ink: tuple[int, int] = (15, 60)
    paper: tuple[int, int] = (205, 250)
    grain: float = 0.0
    light: str = "even"
    texture: float = 0.0
    ruled_lines: str = "blank"
    blur: float = 0.0
    noise: float = 0.0
    jpeg: int | None = None
    rotation: float = 0.0
    specks: int = 0
    bend: float = 0.0
    cropped: bool = False
    desk: bool = False
    inverted: bool = False
    frame: str = ""
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
    "notebook lines": Conditions(ruled_lines="lines", texture=2),
    "notebook grid": Conditions(ruled_lines="grid", texture=2),
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
    "phone, lines": replace(PHONE, ruled_lines="lines"),
    "phone, grid": replace(PHONE, ruled_lines="grid"),
    "phone, lines, pencil": replace(PENCIL, light="gradient", noise=4, jpeg=75, rotation=5, ruled_lines="lines"),
    "phone, cropped": replace(PHONE, cropped=True),
    "phone, lines, bent": replace(PHONE, ruled_lines="lines", bend=0.1),
    "phone, on a desk": replace(PHONE, bend=0.08, desk=True),
    "phone, shadow, specks": replace(PHONE, light="shadow", specks=8, jpeg=40),
    "phone, in a circle": replace(PHONE, frame="circle", height=(0.25, 0.45)),
    "phone, in a box": replace(PHONE, frame="box", height=(0.25, 0.45)),
}
"""Name -> conditions of a picture with one digit."""

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
        "phone, in a box",
    )
}
"""Name -> conditions of a page of digits; rows and single digits are rotated a little."""


def with_pen(conditions: Conditions, longest: int = 4000) -> Conditions:
    """Return `conditions` with strokes as thin as a pen's, for images of 8x8 pixels, and sides of at most `longest`."""
    side = (min(longest, conditions.side[0]), min(longest, conditions.side[1]))
    return replace(conditions, stroke=min(0.6, conditions.stroke), side=side)


def photograph_one(image: Pixels, conditions: Conditions, random: Random) -> Pixels:
    """Photograph one digit near the middle of a page."""
    longer = int(random.integers(conditions.side[0], conditions.side[1] + 1))
    shorter = int(longer * random.uniform(0.6, 1.0))
    shape = (longer, shorter) if random.random() < 0.5 else (shorter, longer)
    height = random.uniform(*conditions.height) * shorter
    angle = random.uniform(-1, 1) * conditions.rotation
    extents = place(Written(image, 0, 0, 100, angle))[0].shape
    height = min(height, 100 * 0.9 * min(side / extent for side, extent in zip(shape, extents, strict=True)))
    room = [0.95 * side / 2 - height / 100 * extent / 2 for side, extent in zip(shape, extents, strict=True)]
    if conditions.frame:
        room = [0.05 * space for space in room]
    row, column = (side / 2 + random.uniform(-1, 1) * space for side, space in zip(shape, room, strict=True))
    picture = photograph([Written(image, row, column, height, angle)], shape, conditions, random)
    if not conditions.cropped:
        return picture
    across, down = height / 100 * extents[1] / 2 + height / 20, height / 100 * extents[0] / 2 + height / 20
    return picture[
        max(0, round(row - down)) : round(row + down), max(0, round(column - across)) : round(column + across)
    ]


def photograph_page(images: Sequence[Pixels], conditions: Conditions, random: Random) -> tuple[Pixels, list[Written]]:
    """Photograph a page with `images` in rows of three to six; return also the digits in reading order."""
    longer = int(random.integers(conditions.side[0], conditions.side[1] + 1))
    written, shape = _write_page(images, int(random.integers(3, 7)), longer, random)
    return photograph(written, shape, conditions, random), written


def _write_page(
    images: Sequence[Pixels], columns: int, longer: int, random: Random
) -> tuple[list[Written], tuple[int, int]]:
    """Place `images` in rows of `columns`, with varying positions, sizes and angles.

    Returns
    -------
    list of Written
        The digits in reading order.
    tuple of (int, int)
        Height and width of the page.
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


def photograph(
    digits: Sequence[Written],
    shape: tuple[int, int],
    conditions: Conditions,
    random: Random,
    printed: Plane | None = None,
) -> Pixels:
    """Photograph a page with `digits` on it, and what is `printed` (h, w), 0..1, there.

    Returns
    -------
    ndarray of shape (h, w, 3) or (h, w, 4), dtype uint8
    """
    coverage = np.zeros(shape, np.float32) if printed is None else printed.copy()
    for digit in digits:
        stroke, top, left = place(digit, conditions.stroke)
        add_ink(coverage, stroke, top, left)
        if conditions.frame:
            draw_frame(coverage, conditions.frame, digit, stroke.shape, random)
    size = float(np.mean([digit.height for digit in digits])) if digits else min(shape) / 3
    for _ in range(conditions.specks):
        radius = max(0.6, size * random.uniform(0.004, 0.012))
        side = int(2 * radius) + 2
        rows, columns = np.indices((side, side)) - radius
        speck = np.clip(radius - np.hypot(rows, columns) + 0.5, 0, 1).astype(np.float32)
        add_ink(coverage, speck, int(random.integers(shape[0])), int(random.integers(shape[1])))
    if conditions.transparency == "ink":
        shade = random.integers(0, 256)
        return np.dstack([np.full((*shape, 3), shade), np.rint(255 * coverage)]).astype(np.uint8)
    if conditions.grain:
        tooth = ndimage.gaussian_filter(random.standard_normal(shape, np.float32), max(0.7, size / 250))
        coverage *= 1 - conditions.grain * np.clip(0.5 + tooth / (2 * tooth.std()), 0, 1)
    paper = np.full(shape, random.integers(conditions.paper[0], conditions.paper[1] + 1), np.float32)
    if conditions.texture:
        paper += conditions.texture * texture(shape, random)
    paper = RULED_LINES[conditions.ruled_lines](paper, size, random)
    ink = np.float32(random.integers(conditions.ink[0], conditions.ink[1] + 1))
    scene = paper + (np.minimum(ink, paper) - paper) * coverage
    if conditions.inverted:
        scene = 255 - scene
    if conditions.bend or conditions.desk:
        scene = lay_down(scene, conditions.bend, conditions.desk, random)
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

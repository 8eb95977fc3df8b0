"""Film a water meter that does not exist: turning wheels, changing light, dirt on the glass, a camera that shakes.

    python examples/meter/film.py FOLDER [--frames N] [--seed N] [--day N] [--dirt X]

writes ``film.avi``, five frames a second, ``truth.csv`` with what each wheel shows in each frame, ``still.png``, a
clean frame, and ``regions.toml`` for ``mnist-runtime watch --regions``. Five wheels show cubic meters, three red ones
litres. The last wheel turns all the time; each other one turns while the one to its right turns from 9 to 0.
"""

from __future__ import annotations

import argparse
import csv
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
from PIL import Image, ImageDraw
from render import BETWEEN, FONTS, UNCLEAR, WHEELS, font

RATE = 5
"""Frames a second."""
SIZE = (128, 384)
"""Height and width of a frame."""
WINDOW = (48, 30)
"""Height and width of the window of a wheel."""
WHEELS_SHOWN, DECIMALS = 8, 3
LEFT, TOP, STEP = 52, 40, 36
"""Place of the first window, and the distance from one to the next."""
MOST_PER_HOUR = 3.5
"""The largest flow, in cubic meters an hour."""
SCALE = 4
"""Wheels are drawn this many times larger."""
START = 1_233_650


@dataclass(frozen=True)
class Scene:
    """What one film shows."""

    strips: tuple[np.ndarray, np.ndarray]
    plate: np.ndarray
    stains: np.ndarray


def strip(name: str, colors: tuple[tuple[int, int, int], tuple[int, int, int]]) -> np.ndarray:
    """Return the digits 9, 0 to 9, 0 and 1 of a wheel, one below the other."""
    height, width = WINDOW[0] * SCALE, WINDOW[1] * SCALE
    image = Image.new("RGB", (width, 13 * height), colors[0])
    draw = ImageDraw.Draw(image)
    for place in range(13):
        where = (width / 2, (place + 0.5) * height)
        draw.text(where, str((place - 1) % 10), colors[1], font(name, height * 0.8), anchor="mm")
    return np.asarray(image, np.float32)


def window(strip_: np.ndarray, shown: float) -> np.ndarray:
    """Return the window (h, w, 3) of a wheel that shows `shown`, 0 up to 10; 2.5 is between 2 and 3."""
    height, width = WINDOW
    top = round((shown + 1) * height * SCALE)
    seen = strip_[top : top + height * SCALE].reshape(height, SCALE, width, SCALE, 3).mean((1, 3))
    edge = 1 - 0.3 * np.linspace(-1, 1, height) ** 2  # the edges of a wheel are darker
    return seen * edge[:, None, None]


def wheels(position: float) -> list[float]:
    """Return what each wheel shows, the first one first; `position` counts the digits of the last one."""
    shown = [position % 10]
    for place in range(1, WHEELS_SHOWN):
        shown.append(position // 10**place % 10 + max(shown[-1] - 9, 0))
    return shown[::-1]


def labels(position: float) -> list[str]:
    """Return the labels that are right for each wheel: the digits, ``N`` between two, both where people disagree."""
    low, high = BETWEEN
    found = []
    for shown in wheels(position):
        digit, turn = int(shown), shown % 1
        right = str(digit % 10) if turn < low + UNCLEAR else ""
        right += str((digit + 1) % 10) if turn > high - UNCLEAR else ""
        found.append(right + ("N" if low - UNCLEAR < turn < high + UNCLEAR else ""))
    return found


def positions(frames: int, rng: np.random.Generator) -> np.ndarray:
    """Return the position of the last wheel in each frame: the water runs fast, slowly, or not at all."""
    most = MOST_PER_HOUR * 10**DECIMALS / 3600 / RATE
    flow: list[float] = []
    while len(flow) < frames:
        speed = rng.choice([0.0, rng.uniform(0.1, 0.5), rng.uniform(0.4, 0.9)], p=[0.15, 0.35, 0.5])
        flow += [speed * most] * int(rng.integers(20, 150))
    return START + rng.integers(0, 300_000) + rng.uniform() + np.cumsum(flow[:frames])


def scene(seed: int, dirt: float) -> Scene:
    """Draw the wheels and the plate of a meter, and the stains on its glass, which cover more with more `dirt`."""
    rng = np.random.default_rng(seed)
    name = FONTS[int(rng.integers(len(FONTS)))]
    plate = Image.new("RGB", (SIZE[1], SIZE[0]), tuple(int(value) for value in rng.integers(150, 220, 3)))
    draw = ImageDraw.Draw(plate)
    right = LEFT + WHEELS_SHOWN * STEP
    draw.rectangle((LEFT - 10, TOP - 10, right, TOP + WINDOW[0] + 9), (40, 40, 44))
    draw.text((right - 12, TOP + WINDOW[0] + 12), "m³", (30, 30, 30), font("DejaVuSans", 18))
    draw.text((LEFT - 10, 8), "Q3 2,5   2024", (30, 30, 30), font("DejaVuSans", 13))
    stains = Image.new("L", plate.size, 0)
    draw = ImageDraw.Draw(stains)
    for _ in range(round(14 * dirt)):
        x, y = rng.uniform(LEFT - 10, right), rng.uniform(TOP - 5, TOP + WINDOW[0] + 5)
        size = rng.uniform(1, 5)
        draw.ellipse((x - size, y - size, x + size, y + size * rng.uniform(0.3, 2)), int(rng.integers(60, 190)))
    for _ in range(round(5 * dirt)):
        x, y = rng.uniform(LEFT, right), rng.uniform(TOP, TOP + WINDOW[0])
        draw.line((x, y, x + rng.normal(0, 30), y + rng.normal(0, 14)), int(rng.integers(60, 160)), 1)
    covered = cv2.GaussianBlur(np.asarray(stains, np.float32) / 255, (0, 0), 0.8)
    kinds = WHEELS[int(rng.integers(2))], WHEELS[2]
    return Scene((strip(name, kinds[0]), strip(name, kinds[1])), np.asarray(plate, np.float32), covered[..., None])


def clean(scene_: Scene, position: float) -> np.ndarray:
    """Return the meter in even light, without dirt."""
    image = scene_.plate.copy()
    for place, shown in enumerate(wheels(position)):
        left = LEFT + place * STEP
        kind = scene_.strips[place >= WHEELS_SHOWN - DECIMALS]
        image[TOP : TOP + WINDOW[0], left : left + WINDOW[1]] = window(kind, shown)
    return image


def frames(scene_: Scene, where: np.ndarray, rng: np.random.Generator) -> Iterator[np.ndarray]:
    """Yield a frame (h, w, 3) for each position, as a camera sees it over a day."""
    y, x = np.mgrid[-1 : 1 : SIZE[0] * 1j, -1 : 1 : SIZE[1] * 1j].astype(np.float32)
    phases = rng.uniform(0, 2 * np.pi, 6)
    tint = rng.uniform(0.9, 1.08, 3).astype(np.float32)
    spot_left = hand_left = mist_left = 0
    spot = np.zeros_like(x)
    for number, position in enumerate(where):
        time = number / 300 + phases
        image = clean(scene_, position)
        image = image * (1 - scene_.stains) + 70 * scene_.stains
        light = (0.72 + 0.3 * np.sin(time[0])) * (1 + 0.25 * np.sin(time[1] * 1.7) * x + 0.15 * np.sin(time[2]) * y)
        image *= light[..., None] * tint
        if spot_left <= 0 and rng.random() < 0.004:  # a reflection that moves
            spot_left, middle = int(rng.integers(20, 80)), rng.uniform(-1, 1)
        if spot_left > 0:
            spot_left -= 1
            middle += 0.01
            spot = np.exp(-(((x - middle) / 0.12) ** 2) - (y / 0.4) ** 2)
            image += 90 * spot[..., None]
        if mist_left <= 0 and rng.random() < 0.002:  # condensed water on the glass
            mist_left, blur = int(rng.integers(20, 60)), rng.uniform(1, 3)
        if mist_left > 0:
            mist_left -= 1
            image = cv2.GaussianBlur(image, (0, 0), blur) * 0.8 + 30
        if hand_left <= 0 and rng.random() < 0.003:  # somebody is in the way
            hand_left, hand_x = int(rng.integers(2, 15)), rng.uniform(-1, 1)
        if hand_left > 0:
            hand_left -= 1
            image[np.abs(x - hand_x + 0.2 * y) < 0.4] = (92, 66, 52)
        move = np.float32([[1, 0, 1.2 * np.sin(time[3] * 5)], [0, 1, 1.2 * np.sin(time[4] * 7)]])
        image = cv2.warpAffine(image, move, SIZE[::-1], borderMode=cv2.BORDER_REPLICATE)
        image += rng.standard_normal(SIZE, np.float32)[..., None] * 4
        yield np.clip(image, 0, 255).astype(np.uint8)


def regions() -> str:
    """Return the TOML with the window of each wheel."""
    boxes = [
        [LEFT + place * STEP, TOP, LEFT + place * STEP + WINDOW[1], TOP + WINDOW[0]] for place in range(WHEELS_SHOWN)
    ]
    return (
        f'[[value]]\nname = "water"\nunit = "m³"\ndigits = {boxes}\ndecimals = {DECIMALS}\n'
        f"may_fall = false\nmost_per_hour = {MOST_PER_HOUR}\n"
    )


def film(folder: Path, count: int, seed: int, day: int, dirt: float) -> None:
    """Write the film and what belongs to it."""
    folder.mkdir(parents=True, exist_ok=True)
    made = scene(seed, dirt)
    rng = np.random.default_rng([seed, day])
    where = positions(count, rng)
    Image.fromarray(clean(made, np.floor(where[0])).astype(np.uint8)).save(folder / "still.png")
    (folder / "regions.toml").write_text(regions(), encoding="utf-8")
    writer = cv2.VideoWriter(str(folder / "film.avi"), cv2.VideoWriter.fourcc(*"MJPG"), RATE, SIZE[::-1])
    for image in frames(made, where, rng):
        writer.write(image[..., ::-1])
    writer.release()
    with (folder / "truth.csv").open("w", newline="", encoding="utf-8") as file:
        table = csv.writer(file, lineterminator="\n")
        table.writerow(["frame", "value", *(f"wheel-{place}" for place in range(1, WHEELS_SHOWN + 1))])
        for number, position in enumerate(where):
            table.writerow([number, f"{position / 10**DECIMALS:.5f}", *labels(position)])


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("folder", type=Path, help="where to write")
    parser.add_argument("--frames", type=int, default=1500, help="length of the film (default: 1500, five minutes)")
    parser.add_argument("--seed", type=int, default=0, help="another seed is another meter")
    parser.add_argument("--day", type=int, default=0, help="another day has other light and another value")
    parser.add_argument("--dirt", type=float, default=1.0, help="amount of dirt on the glass (default: 1)")
    arguments = parser.parse_args()
    film(arguments.folder, arguments.frames, arguments.seed, arguments.day, arguments.dirt)

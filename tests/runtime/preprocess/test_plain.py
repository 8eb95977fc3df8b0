"""Pictures that are only brought to the size and colors of a model."""

from __future__ import annotations

import tracemalloc
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from mnist_runtime import PictureError, prepare
from mnist_runtime.artifact.task import DIGITS, Task
from mnist_runtime.preprocess.decode import load_pixels
from mnist_runtime.preprocess.plain import PIECE, SMALL, plain

METER = Task(32, 20, 3, (*"0123456789", "N"))
GRAY = Task(64, 48, 1, ("cat", "dog"))


def noise(*shape: int) -> np.ndarray:
    return np.random.default_rng(sum(shape)).integers(0, 256, shape, np.uint8)


def by_pillow(picture: np.ndarray, task: Task) -> np.ndarray:
    image = Image.fromarray(picture).convert("L" if task.channels == 1 else "RGB")
    return np.asarray(image.resize((task.width, task.height), Image.Resampling.BILINEAR))


def largest_difference(one: np.ndarray, other: np.ndarray) -> int:
    assert (one.shape, one.dtype) == (other.shape, other.dtype)
    return int(np.abs(one.astype(int) - other).max())


@given(height=st.integers(1, 200), width=st.integers(1, 200), sides=st.tuples(st.integers(8, 128), st.integers(8, 128)))
def test_images_are_those_of_pillow_within_one_level(height: int, width: int, sides: tuple[int, int]) -> None:
    for channels in (1, 3):
        task = Task(*sides, channels, ("a", "b"))
        for picture in (noise(height, width), noise(height, width, 3)):
            assert largest_difference(prepare(picture, task), by_pillow(picture, task)) <= 1


@pytest.mark.parametrize("shape", [(1500, 2000, 3), (SMALL + 1, 7), (5, 3 * SMALL, 3), (PIECE // 512, 600)])
def test_large_pictures_are_those_of_pillow_within_one_level(shape: tuple[int, ...]) -> None:
    picture = noise(*shape)
    for task in (METER, GRAY):
        assert largest_difference(prepare(picture, task), by_pillow(picture, task)) <= 1


def test_along_one_axis_images_are_those_of_pillow() -> None:
    for side in (1, 5, 100, 500, SMALL + 3):
        for picture in (noise(side, 20, 3), noise(32, side, 3)):
            assert np.array_equal(prepare(picture, METER), by_pillow(picture, METER))


def test_transparency_is_rounded_to_the_nearest_level() -> None:
    """(10 * 100 + 255 * 155) / 255 is 158.9."""
    picture = np.full((64, 48, 2), (10, 100), np.uint8)
    assert np.unique(prepare(picture, GRAY)).tolist() == [159]


@pytest.mark.parametrize("task", [METER, GRAY], ids=["color", "gray"])
def test_a_picture_of_the_right_size_is_unchanged(task: Task) -> None:
    image = noise(*task.image_shape)
    assert np.array_equal(prepare(image, task), image)
    assert np.array_equal(prepare(np.ascontiguousarray(image[::-1])[::-1], task), image)
    assert prepare(noise(*task.tensor_shape), task).shape == task.image_shape


def test_gray_pictures_get_three_equal_channels_and_colors_become_gray() -> None:
    gray = noise(32, 20)
    assert np.array_equal(prepare(gray, METER), np.dstack([gray] * 3))
    assert np.array_equal(prepare(gray[..., None], METER), np.dstack([gray] * 3))
    colors = noise(64, 48, 3)
    assert np.array_equal(prepare(colors, GRAY), np.asarray(Image.fromarray(colors).convert("L")))


def test_transparent_areas_are_white() -> None:
    picture = np.zeros((64, 48, 4), np.uint8)
    picture[:, 24:] = (10, 20, 30, 255)
    picture[0, 0, 3] = 51  # a fifth
    image = prepare(picture, Task(64, 48, 3, ("a", "b")))
    assert image[0, 0].tolist() == [204] * 3
    assert image[1, 1].tolist() == [255] * 3
    assert image[1, 30].tolist() == [10, 20, 30]
    assert prepare(picture[..., 2:], GRAY)[1, [1, 30]].tolist() == [255, 30]


def test_an_alpha_channel_of_zeros_is_padding() -> None:
    frame = np.dstack([noise(32, 20, 3), np.zeros((32, 20), np.uint8)])
    assert np.array_equal(prepare(frame, METER), frame[..., :3])


def test_polarity_place_and_blank_pictures_stay() -> None:
    for level in (0, 200, 255):
        assert np.unique(prepare(np.full((90, 100), level, np.uint8), GRAY)).tolist() == [level]
    corner = np.zeros((640, 480), np.uint8)
    corner[:320, :240] = 255
    image = prepare(corner, GRAY)
    assert image[:31, :23].min() == 255
    assert image[33:, 25:].max() == 0


def test_the_orientation_of_a_photograph_is_applied(tmp_path: Path) -> None:
    picture = noise(20, 32, 3)
    exif = Image.Exif()
    exif[0x0112] = 6  # rotate by 90 degrees clockwise
    Image.fromarray(picture).save(tmp_path / "meter.png", exif=exif)
    assert np.array_equal(prepare(load_pixels(tmp_path / "meter.png"), METER), np.rot90(picture, -1))


@pytest.mark.parametrize(
    "picture",
    [np.zeros((0, 9), np.uint8), np.zeros((9, 9, 5), np.uint8), np.zeros(9, np.uint8), np.zeros((9, 9))],
    ids=["empty", "five channels", "a line", "floats"],
)
def test_what_is_no_picture_is_rejected(picture: np.ndarray) -> None:
    with pytest.raises(PictureError, match="The picture has shape"):
        prepare(picture, METER)
    with pytest.raises(PictureError, match="pixels are allowed"):
        prepare(np.broadcast_to(np.uint8(7), (8000, 8000)), METER)


@pytest.mark.parametrize("shape", [(10_000_000, 1), (1, 10_000_000), (3000, 3000)], ids=str)
def test_memory_is_bounded(shape: tuple[int, int]) -> None:
    picture = np.broadcast_to(np.uint8(100), (*shape, 3))
    tracemalloc.start()
    try:
        assert np.unique(plain(picture, 128, 128, 3)).tolist() == [100]
        assert tracemalloc.get_traced_memory()[1] < 30 << 20
    finally:
        tracemalloc.stop()


def test_handwriting_is_the_default() -> None:
    page = np.full((100, 60), 240, np.uint8)
    page[20:80, 28:34] = 20
    assert np.array_equal(prepare(page), prepare(page, DIGITS))
    assert prepare(page)[14, 14] > 200
    assert prepare(page, Task())[14, 14] < 100

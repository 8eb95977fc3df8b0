import numpy as np
import pytest

pytest.importorskip("scipy", reason="photographs are rendered with SciPy")

from mnist_runtime.preprocess.grayscale import grayscale
from mnist_runtime.preprocess.ink.photo import photo_ink
from mnist_tools.rendering.camera import CONDITIONS, Written, photograph, with_pen
from mnist_tools.rendering.nothing import NOTHING

RANDOM = 5


def written(name: str, legible: object, *positions: tuple[float, float]) -> np.ndarray:
    """Photograph digits of 110 pixels at `positions` of a page of 320 x 420."""
    digits = [Written(legible.images[n], row, column, 110) for n, (row, column) in enumerate(positions)]
    return grayscale(photograph(digits, (320, 420), with_pen(CONDITIONS[name]), np.random.default_rng(RANDOM)), 640)


@pytest.mark.parametrize("name", ["clean", "gradient", "notebook grid", "specks", "phone, lines, pencil"])
def test_each_digit_is_found_at_its_position(name: str, legible: object) -> None:
    positions = ((100, 120), (200, 300))
    found = photo_ink(written(name, legible, *positions), 1 / 20)
    assert len(found.symbols) == 2
    for symbol, (row, column) in zip(sorted(found.symbols, key=lambda symbol: symbol.box), positions, strict=True):
        top, left, bottom, right = symbol.box
        assert (top + bottom) / 2 == pytest.approx(row, abs=8)
        assert (left + right) / 2 == pytest.approx(column, abs=8)
        assert symbol.height == pytest.approx(110, abs=12)
        assert found.extract(symbol).max() == pytest.approx(255, abs=1)


@pytest.mark.parametrize("name", ["clean", "gradient", "noise", "phone, lines", "phone, grid"])
def test_an_empty_page_has_no_symbols(name: str, legible: object) -> None:
    assert photo_ink(written(name, legible), 1 / 20).symbols == []


def test_ruled_lines_are_found_only_on_ruled_paper(legible: object) -> None:
    assert photo_ink(written("notebook lines", legible, (160, 200)), 1 / 20).lines.mean() > 0.005
    assert not photo_ink(written("phone", legible, (160, 200)), 1 / 20).lines.any()


def test_gaps_are_closed_only_where_there_is_noise() -> None:
    """A 3 px wide stroke, broken by 2 px: two printed digits, or one of a photograph."""
    page = np.full((200, 300), 230, np.float32)
    page[60:140, 140:143] = page[60:140, 145:148] = 30
    assert len(photo_ink(page, 1 / 20).components.boxes) == 2
    noisy = page + np.random.default_rng(RANDOM).normal(0, 14, page.shape).astype(np.float32)
    assert len(photo_ink(noisy, 1 / 20).components.boxes) == 1


def test_symbols_below_the_smallest_size_are_left_out(legible: object) -> None:
    picture = written("clean", legible, (160, 200))
    assert len(photo_ink(picture, 0.2).symbols) == 1
    assert photo_ink(picture, 0.3).symbols == []


@pytest.mark.parametrize("seed", range(5))
def test_the_darkest_spots_of_fabric_are_no_ink(seed: int) -> None:
    picture = NOTHING["fabric"](np.random.default_rng(seed))
    assert photo_ink(grayscale(picture, 640), 1 / 40).symbols == []

import numpy as np
import pytest
from PIL import Image
from tests.runtime.conftest import Digits

pytest.importorskip("scipy", reason="photographs are rendered with SciPy")

from mnist_runtime import Classifier
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


@pytest.mark.parametrize(("ink", "noise", "number"), [(30, 0, 2), (30, 3, 2), (170, 3, 1)])
def test_gaps_between_digits_are_closed_only_where_noise_breaks_strokes(ink: int, noise: float, number: int) -> None:
    """A 3 px wide stroke, broken by 2 px: two printed digits, or one that is written with a pencil."""
    page = np.full((200, 300), 230, np.float32)
    page[60:140, 140:143] = page[60:140, 145:148] = ink
    page += np.random.default_rng(RANDOM).normal(0, noise, page.shape).astype(np.float32)
    assert len(photo_ink(page, 1 / 20).components.boxes) == number


def test_symbols_below_the_smallest_size_are_left_out(legible: object) -> None:
    picture = written("clean", legible, (160, 200))
    assert len(photo_ink(picture, 0.2).symbols) == 1
    assert photo_ink(picture, 0.3).symbols == []


@pytest.mark.parametrize("seed", range(5))
def test_the_darkest_spots_of_fabric_are_no_ink(seed: int) -> None:
    picture = NOTHING["fabric"](np.random.default_rng(seed))
    assert photo_ink(grayscale(picture, 640), 1 / 40).symbols == []


@pytest.mark.parametrize("side", [64, 100, 140])
def test_noise_does_not_hide_the_ink_of_small_pictures(legible: Digits, side: int) -> None:
    """As in frames of a camera in the dark: a tenth of the ink's strength, independent from pixel to pixel."""
    random = np.random.default_rng(side)
    pages = []
    for image in legible.images:
        digit = np.asarray(Image.fromarray(image).resize((side, side), Image.Resampling.BICUBIC), np.float32)
        page = 220 - 0.7 * digit + random.normal(0, 18, digit.shape)
        pages.append(np.clip(page, 0, 255).astype(np.uint8))
    with Classifier.load() as classifier:
        found = [classifier.classify(page).digit for page in pages]
    assert sum(digit == label for digit, label in zip(found, legible.labels, strict=True)) >= 18


@pytest.mark.parametrize("deviation", [3, 10, 30])
def test_noise_alone_in_a_small_picture_is_no_ink(deviation: float) -> None:
    random = np.random.default_rng(RANDOM)
    for side in range(50, 150, 10):
        page = 150 + deviation * random.standard_normal((side, side))
        assert photo_ink(np.clip(page, 0, 255).astype(np.float32), 1 / 20).symbols == []

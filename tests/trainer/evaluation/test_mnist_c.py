import numpy as np
import pytest

from mnist_trainer import Splits
from mnist_trainer.evaluation.mnist_c import CORRUPTIONS


@pytest.mark.parametrize("name", CORRUPTIONS)
def test_each_kind_changes_every_digit_in_the_same_way_each_time(digits: Splits, name: str) -> None:
    images = digits.test.images[:60]
    before = images.copy()
    corrupted = CORRUPTIONS[name](images, seed=1)
    assert (corrupted.shape, corrupted.dtype) == (images.shape, np.uint8)
    assert np.array_equal(images, before)
    assert (corrupted != images).any(axis=(1, 2)).all()
    assert np.array_equal(CORRUPTIONS[name](images, seed=1), corrupted)


def test_random_kinds_depend_on_the_seed(digits: Splits) -> None:
    assert len(CORRUPTIONS) == 15
    still = [
        name
        for name, corruption in CORRUPTIONS.items()
        if np.array_equal(corruption(digits.test.images[:9], 0), corruption(digits.test.images[:9], 1))
    ]
    assert still == ["scale", "brightness", "stripe", "canny edges"]


def test_amounts_and_places() -> None:
    black = np.zeros((50, 28, 28), np.uint8)
    impulses = CORRUPTIONS["impulse noise"](black, seed=0)
    assert np.mean(impulses == 255) == pytest.approx(0.17 / 2, abs=0.01)
    assert np.mean(CORRUPTIONS["spatter"](black, seed=0) == 255) == pytest.approx(0.12, abs=0.01)
    striped = CORRUPTIONS["stripe"](black, seed=0)
    assert np.flatnonzero(striped[0, 5]).tolist() == list(range(10, 18))
    dot = black.copy()
    dot[:, 14, 14] = 255
    places = {tuple(np.argwhere(image)[0]) for image in CORRUPTIONS["translate"](dot, seed=0)}
    assert places == {(11, 11), (11, 17), (17, 11), (17, 17)}


def angles(images: np.ndarray) -> np.ndarray:
    """Return the direction of the ink of each image, in degrees from the horizontal."""
    rows, columns = np.indices((28, 28)) - 13.5
    across, down, both = ((images * part).sum(axis=(1, 2)) for part in (columns**2, rows**2, rows * columns))
    return np.degrees(np.arctan2(2 * both, across - down) / 2)


def test_shapes_are_turned_slanted_and_shrunk_by_their_amounts() -> None:
    bars = np.zeros((50, 28, 28), np.uint8)
    bars[:, 13:15, 4:24] = 255
    turned = angles(CORRUPTIONS["rotate"](bars, seed=0).astype(float))
    assert 14 < np.abs(turned).min() < 18
    assert 27 < np.abs(turned).max() < 31
    assert turned.min() < -27
    assert turned.max() > 27
    upright = bars.transpose(0, 2, 1).astype(float)
    slanted = CORRUPTIONS["shear"](upright.astype(np.uint8), seed=0).astype(float)
    centers = (slanted * np.arange(28)).sum(axis=2)[:, 5:23] / slanted.sum(axis=2)[:, 5:23]
    assert {round(slope, 1) for slope in np.polyfit(np.arange(5, 23), centers.T, 1)[0]} == {-0.4, 0.4}
    squares = np.zeros((1, 28, 28), np.uint8)
    squares[:, 4:24, 4:24] = 255
    (shrunk,) = CORRUPTIONS["scale"](squares, seed=0) > 127
    assert shrunk[8:20, 8:20].all()
    assert shrunk.sum() == 144


def test_a_moved_camera_blurs_to_both_sides_and_exposes_longer() -> None:
    bars = np.zeros((50, 28, 28), np.uint8)
    bars[:, 13:15, 13:15] = 255
    blurred = CORRUPTIONS["motion blur"](bars, seed=0)
    assert blurred.max(axis=(1, 2)).min() == 255
    places = np.arange(28)
    for axis in (1, 2):
        middle = (blurred.sum(axis=axis) * places).sum(axis=1) / blurred.sum(axis=(1, 2))
        assert np.abs(middle - 13.5).max() < 0.1


def test_fog_is_smooth_and_photons_are_counted() -> None:
    black = np.zeros((50, 28, 28), np.uint8)
    fog = CORRUPTIONS["fog"](black, seed=0)
    assert (fog.min(), fog.max()) == (0, 153)
    assert np.corrcoef(fog[:, :, 1:].ravel(), fog[:, :, :-1].ravel())[0, 1] > 0.8
    counted = CORRUPTIONS["shot noise"](255 - black, seed=0)
    assert np.unique(counted).tolist() == [0, 51, 102, 153, 204, 255]


@pytest.mark.parametrize(("name", "aside", "least", "most"), [("dotted line", 0.8, 5, 14), ("zigzag", 3.5, 30, 120)])
def test_lines_cross_the_whole_image(name: str, aside: float, least: int, most: int) -> None:
    if CORRUPTIONS[name].needs_skimage:
        pytest.importorskip("skimage")
    for image in CORRUPTIONS[name](np.zeros((20, 28, 28), np.uint8), seed=0):
        places = np.argwhere(image > 100)
        away = places - places.mean(axis=0)
        direction = np.linalg.svd(away)[2][0]
        off = np.abs(away @ [-direction[1], direction[0]]).max()
        assert aside / 3 < off < aside if name == "zigzag" else off < aside
        assert np.ptp(away @ direction) > 18
        assert least <= len(places) <= most

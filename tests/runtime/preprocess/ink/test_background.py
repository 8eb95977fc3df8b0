import numpy as np
import pytest

from mnist_runtime.preprocess.ink.background import background_noise, subtract_background

ndimage = pytest.importorskip("scipy.ndimage")

ROWS, COLUMNS = np.indices((200, 260), np.float32)
STROKE = (np.abs(COLUMNS - 110 - (ROWS - 100) / 3) < 12) & (np.abs(ROWS - 100) < 60)
LIGHTS = {
    "even": np.ones_like(ROWS),
    "gradient": 1 - 0.6 * (ROWS + COLUMNS) / 460,
    "vignette": 1 - 0.5 * ((ROWS - 100) ** 2 + (COLUMNS - 130) ** 2) / (100**2 + 130**2),
    "shadow": 1 - 0.45 / (1 + np.exp(-(COLUMNS - 170 - ROWS / 8) / 5)),
}


def page(light: str, ink: float = 40.0, background: float = 230.0) -> np.ndarray:
    scene = np.where(STROKE, ink, background).astype(np.float32) * LIGHTS[light]
    noise = np.random.default_rng(0).standard_normal(scene.shape)
    return (ndimage.gaussian_filter(scene, 0.7) + 2 * noise).astype(np.float32)


@pytest.mark.parametrize("light", LIGHTS)
def test_ink_is_the_same_in_any_light(light: str) -> None:
    ink = subtract_background(page(light))
    middle = ndimage.binary_erosion(STROKE, iterations=2)
    around = ~ndimage.binary_dilation(STROKE, iterations=3)
    assert np.median(ink[middle]) == pytest.approx(1 - 40 / 230, abs=0.05)
    assert (ink[middle] > 0.6).mean() > 0.99
    assert (np.abs(ink[around]) < 0.1).mean() > (0.93 if light == "shadow" else 0.99)


def test_bright_ink_on_a_dark_background_is_ink() -> None:
    ink = subtract_background(255 - page("gradient"))
    assert ink[STROKE].mean() > 0.4
    assert np.abs(ink[~ndimage.binary_dilation(STROKE, iterations=3)]).mean() < 0.03


def test_darker_light_does_not_change_the_ink() -> None:
    bright = page("gradient")
    assert np.abs(subtract_background(bright * np.float32(0.7)) - subtract_background(bright)).max() < 0.05


@pytest.mark.parametrize("shape", [(1, 60), (60, 1), (48, 2), (49, 49), (640, 3)])
def test_pictures_of_any_shape_without_ink_have_none(shape: tuple[int, int]) -> None:
    assert not subtract_background(np.full(shape, 99, np.float32)).any()


@pytest.mark.parametrize("light", ["even", "gradient", "vignette"])
@pytest.mark.parametrize("inverted", [False, True])
def test_a_thick_stroke_that_fills_the_picture_is_ink_in_full(light: str, inverted: bool) -> None:
    stroke = (np.abs(ROWS - 100) < 88) & (np.abs(COLUMNS - 130) < 90)  # two thirds of the picture's width
    stroke &= ~((np.abs(ROWS - 100) < 25) & (np.abs(COLUMNS - 130) < 25))
    scene = np.where(stroke ^ inverted, 40, 230) * LIGHTS[light]
    ink = subtract_background((scene + 2 * np.random.default_rng(0).standard_normal(ROWS.shape)).astype(np.float32))
    assert ink[stroke].min() > 0.25
    assert np.median(ink[stroke]) > 0.45
    assert np.quantile(np.abs(ink[~stroke]), 0.95) < 0.1


def test_the_edge_of_a_shadow_leaves_no_ink() -> None:
    shadow = 230 * (1 - 0.45 / (1 + np.exp(-(COLUMNS - 130 - (ROWS - 100) / 2) / 6)))
    assert np.abs(subtract_background(shadow.astype(np.float32))).max() < 0.06


def test_a_stroke_that_touches_the_border_is_ink() -> None:
    scene = np.full_like(ROWS, 230)
    stroke = (np.abs(COLUMNS - 110) < 12) & (ROWS < 120)
    scene[stroke] = 40
    ink = subtract_background(scene)
    assert ink[stroke].min() > 0.7
    assert np.abs(ink[~stroke]).max() < 0.05


def test_noise_is_measured_on_the_background_only() -> None:
    ink = np.random.default_rng(0).normal(0, 0.02, (200, 260)).astype(np.float32)
    ink[:, :160] = 0.8  # more than half, as in a tight crop
    assert background_noise(ink) == pytest.approx(0.02, abs=0.001)
    assert background_noise(np.zeros((9, 9), np.float32)) == 0

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


def test_noise_is_measured_on_the_background_only() -> None:
    ink = np.random.default_rng(0).normal(0, 0.02, (200, 260)).astype(np.float32)
    ink[:, :60] = 0.8
    assert background_noise(ink) == pytest.approx(0.027, abs=0.004)
    assert background_noise(np.zeros((9, 9), np.float32)) == 0

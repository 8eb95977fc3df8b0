import numpy as np
import pytest
from scipy import ndimage

from mnist_runtime.preprocess.ink.page import isolate_page

ROWS, COLUMNS = np.indices((300, 400), np.float32)
LYING = (np.abs(ROWS - 150 - COLUMNS / 20) < 105) & (np.abs(COLUMNS - 195 + ROWS / 20) < 150)
DIGIT = (np.abs(ROWS - 150) < 50) & (np.abs(COLUMNS - 180) < 8)


def on_a_desk(desk: float) -> np.ndarray:
    scene = np.where(LYING, 220, desk).astype(np.float32)
    scene[DIGIT] = 40
    return scene


@pytest.mark.parametrize("desk", [30, 60, 90])
def test_the_desk_becomes_paper_and_the_digit_stays(desk: float) -> None:
    alone = isolate_page(on_a_desk(desk))
    assert (alone[DIGIT] == 40).all()
    assert (alone[~DIGIT] == 220).all()


@pytest.mark.parametrize(
    "picture",
    [
        on_a_desk(200),  # hardly darker than the sheet
        np.where(DIGIT, 40, 220).astype(np.float32),  # all paper
        np.where(DIGIT, 220, 40).astype(np.float32),  # light on dark
        np.where(np.hypot(ROWS - 150, COLUMNS - 200) < 120, 220, 40).astype(np.float32),  # a fat dot, light on dark
        np.where(COLUMNS > 180, 110, 220).astype(np.float32),  # a shadow over half of the sheet
        np.zeros((5, 700), np.float32),
    ],
    ids=["grey", "paper", "inverted", "dot", "shadow", "line"],
)
def test_a_picture_without_a_desk_stays_as_it_is(picture: np.ndarray) -> None:
    assert isolate_page(picture) is picture


def test_a_digit_at_the_sheets_edge_is_no_part_of_the_desk() -> None:
    scene = on_a_desk(40)
    low = (np.abs(ROWS - 100) < 40) & (np.abs(COLUMNS - 70) < 7) & ndimage.binary_erosion(LYING, iterations=4)
    scene[low] = 40
    assert (isolate_page(scene)[low] == 40).mean() > 0.9

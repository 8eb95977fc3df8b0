import numpy as np
import pytest

from mnist_runtime.preprocess.ink.page import isolate_page

ROWS, COLUMNS = np.indices((300, 400), np.float32)


def page(margin: float = 0) -> np.ndarray:
    """Return the mask of a page that is a little rotated, without a margin."""
    return (np.abs(ROWS - 150 - COLUMNS / 20) < 105 - margin) & (np.abs(COLUMNS - 195 + ROWS / 20) < 150 - margin)


PAGE = page()
DIGIT = (np.abs(ROWS - 150) < 50) & (np.abs(COLUMNS - 180) < 8)


def on_a_desk(desk: float) -> np.ndarray:
    scene = np.where(PAGE, 220, desk).astype(np.float32)
    scene[DIGIT] = 40
    return scene


@pytest.mark.parametrize("desk", [30, 60, 90])
def test_the_desk_becomes_background_and_the_digit_is_unchanged(desk: float) -> None:
    isolated = isolate_page(on_a_desk(desk))
    assert (isolated[DIGIT] == 40).all()
    assert (isolated[~DIGIT] == 220).all()


@pytest.mark.parametrize(
    "picture",
    [
        on_a_desk(200),  # a little darker than the page
        np.where(DIGIT, 40, 220).astype(np.float32),  # a page only
        np.where(DIGIT, 220, 40).astype(np.float32),  # light on dark
        np.where(np.hypot(ROWS - 150, COLUMNS - 200) < 120, 220, 40).astype(np.float32),  # a large light dot on dark
        np.where(COLUMNS > 180, 110, 220).astype(np.float32),  # a shadow over half of the page
        np.zeros((5, 700), np.float32),
    ],
    ids=["gray", "page", "inverted", "dot", "shadow", "line"],
)
def test_a_picture_without_a_desk_is_unchanged(picture: np.ndarray) -> None:
    assert isolate_page(picture) is picture


def test_the_desk_is_compared_with_the_page_beside_it() -> None:
    light = 1 - 0.6 * COLUMNS / 400  # the page's dark end is hardly brighter than the desk at the other end
    isolated = isolate_page((on_a_desk(135) * light).astype(np.float32))
    assert isolated[DIGIT] == pytest.approx((40 * light)[DIGIT])
    assert isolated[~PAGE].min() > 85  # the page has 88 to 220


def test_the_inside_of_a_large_zero_is_page() -> None:
    scene = on_a_desk(60)
    distance = np.hypot((ROWS - 150) / 85, (COLUMNS - 190) / 105)
    zero = (distance < 1) & (distance > 0.7)
    scene[PAGE] = 220
    scene[zero] = 40
    isolated = isolate_page(scene)
    assert (isolated[zero] == 40).all()
    assert (isolated[~zero] == 220).all()


def light_zero(thickness: float) -> np.ndarray:
    """Return a light 0 on a dark background, whose inside is 1 - `thickness` of it."""
    distance = np.hypot((ROWS - 150) / 100, (COLUMNS - 200) / 75)
    return np.where((distance < 1) & (distance > 1 - thickness), 220, 40).astype(np.float32)


@pytest.mark.parametrize("side", [95, 110, 150])
@pytest.mark.parametrize("degrees", [0, 4, -12])
def test_a_small_sheet_is_a_page_too(side: int, degrees: float) -> None:
    turn = np.exp(1j * np.radians(degrees))
    place = (ROWS - 150 + 1j * (COLUMNS - 170)) * turn
    sheet = (np.abs(place.real) < side / 2) & (np.abs(place.imag) < side / 2)
    assert 0.07 < sheet.mean() < 0.2
    digit = (np.abs(ROWS - 150) < side / 4) & (np.abs(COLUMNS - 170) < 4)
    isolated = isolate_page(np.where(digit, 40, np.where(sheet, 220, 60)).astype(np.float32))
    assert (isolated[digit] == 40).all()
    assert (isolated[~digit] == 220).all()


@pytest.mark.parametrize(
    "picture",
    [
        light_zero(0.6),
        light_zero(0.8),
        light_zero(1),
        np.where((np.abs(ROWS - 150) < 120) & (np.abs(COLUMNS - 200) < 35), 220, 40).astype(np.float32),
    ],
    ids=["zero", "bold zero", "dot", "bar"],
)
def test_a_bold_light_digit_is_no_sheet(picture: np.ndarray) -> None:
    assert isolate_page(picture) is picture


@pytest.mark.parametrize("lit", [110, 130, 150, 165, 190])
def test_the_light_part_beside_a_shadow_is_no_sheet(lit: int) -> None:
    picture = np.where(DIGIT, 40, 220).astype(np.float32)
    picture[:, lit:] *= 0.4
    assert isolate_page(picture) is picture


def test_light_from_one_side_on_black_paper_is_no_desk() -> None:
    light = 0.2 + 0.8 * (1 - COLUMNS / 400) ** 2
    picture = (np.where(DIGIT, 220, 60) * light).astype(np.float32)
    assert isolate_page(picture) is picture


def test_a_digit_at_the_edge_of_the_page_is_kept() -> None:
    scene = on_a_desk(40)
    digit = (np.abs(ROWS - 100) < 40) & (np.abs(COLUMNS - 70) < 7) & page(margin=4)
    scene[digit] = 40
    assert (isolate_page(scene)[digit] == 40).mean() > 0.9


DARK = {
    "page": PAGE,
    "badge": np.hypot(ROWS - 150, COLUMNS - 190) < 90,
    "key": (np.abs(ROWS - 150) < 80) & (np.abs(COLUMNS - 190) < 100),
}


@pytest.mark.parametrize("name", DARK)
def test_light_ink_on_a_dark_key_or_badge_is_unchanged(name: str) -> None:
    seven = DIGIT | (np.abs(ROWS - 108) < 8) & (np.abs(COLUMNS - 165) < 23)
    scene = np.where(seven, 250, np.where(DARK[name], 60, 230)).astype(np.float32)
    isolated = isolate_page(scene)
    assert (isolated[seven] == 250).all()
    assert (isolated[~seven] == 60).all()


@pytest.mark.parametrize(
    "ink",
    [
        np.abs(np.hypot((ROWS - 150) / 1.4, COLUMNS - 200) - 60) < 35,  # a bold 0
        np.abs(np.hypot(ROWS - 150, COLUMNS - 200) - 70) < 45,  # a round one
        np.hypot((ROWS - 150) / 1.4, COLUMNS - 200) < 80,  # a 0 without a hole
        (np.abs(ROWS - 150) < 120) & (np.abs(COLUMNS - 200) < 40),  # a bold 1
        (ROWS % 50 < 12) | (COLUMNS % 50 < 12),  # a table
        DIGIT | (np.abs(np.maximum(np.abs(ROWS - 150) * 4 / 3, np.abs(COLUMNS - 200)) - 180) < 6),  # a frame
    ],
    ids=["0", "round 0", "filled", "1", "table", "frame"],
)
def test_bold_dark_ink_is_no_key(ink: np.ndarray) -> None:
    picture = np.where(ink & (np.abs(ROWS - 150) < 145), 40, 230).astype(np.float32)
    assert isolate_page(picture) is picture


STRIPS = {"one": ROWS + COLUMNS / 20 < 50, "two": (ROWS + COLUMNS / 20 < 50) | (COLUMNS > 370)}


@pytest.mark.parametrize("sides", STRIPS)
@pytest.mark.parametrize("desk", [60, 120])
def test_a_strip_of_desk_at_one_or_two_sides_is_removed(sides: str, desk: float) -> None:
    scene = np.where(DIGIT, 40, np.where(STRIPS[sides], desk, 220)).astype(np.float32)
    isolated = isolate_page(scene)
    assert (isolated[DIGIT] == 40).all()
    assert (isolated[~DIGIT] > 200).all()


def test_a_strip_with_ink_is_a_shadow() -> None:
    scene = np.where(np.roll(DIGIT, -70, axis=0), 40, 220) * np.where(STRIPS["one"], 0.5, 1)
    picture = scene.astype(np.float32)
    assert isolate_page(picture) is picture

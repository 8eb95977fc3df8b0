"""Read rendered photographs of pages."""

import numpy as np
import pytest

pytest.importorskip("scipy", reason="photographs are rendered with SciPy")

from mnist_runtime import Classifier
from mnist_runtime.reading.page import find, read
from mnist_tools.rendering.camera import PAGES, photograph_page, with_pen


@pytest.fixture(scope="module")
def classifier() -> Classifier:
    return Classifier.load()


@pytest.mark.long
@pytest.mark.parametrize("name", PAGES)
def test_a_page_is_read_in_order(name: str, legible: object, classifier: Classifier) -> None:
    random = np.random.default_rng(1)
    chosen = random.permutation(len(legible.labels))[:10]
    picture, written = photograph_page(legible.images[chosen], with_pen(PAGES[name], longest=1000), random)
    found = read(picture, classifier)
    digits_in_box = [
        [n for n, one in enumerate(written) if left <= one.column < right and top <= one.row < bottom]
        for left, top, right, bottom in (reading.box for reading in found)
    ]
    assert sum(len(numbers) == 1 for numbers in digits_in_box) >= 8
    order = [numbers[0] for numbers in digits_in_box if len(numbers) == 1]
    assert order == sorted(order)
    pairs = zip(found, digits_in_box, strict=True)
    right = [reading.prediction.digit == legible.labels[chosen[n[0]]] for reading, n in pairs if n]
    assert sum(right) >= 7
    assert len(found) <= 11


@pytest.mark.parametrize("turns", [1, 2, 3])
def test_boxes_rotate_with_the_picture(turns: int, legible: object) -> None:
    """Before they are classified: a turned digit may look like two that touch."""
    random = np.random.default_rng(4)
    images = legible.images[random.permutation(len(legible.labels))[:12]]
    page, _ = photograph_page(images, with_pen(PAGES["phone"], longest=1000), random)
    upright, rotated = ({symbol.box for symbol in find(picture)[0]} for picture in (page, np.rot90(page, turns)))
    middles = {((a + c) / 2, (b + d) / 2) for a, b, c, d in rotated}
    height, width = page.shape[:2]
    assert len(upright) == len(rotated) == 12
    for left, top, right, bottom in upright:
        x, y = (left + right) / 2, (top + bottom) / 2
        x, y = {1: (y, width - x), 2: (width - x, height - y), 3: (height - y, x)}[turns]
        assert min(np.hypot(x - a, y - b) for a, b in middles) < 6

"""Forms, tables, printed numbers and displays are read."""

import numpy as np
import pytest

pytest.importorskip("scipy", reason="photographs are rendered with SciPy")
pytest.importorskip("matplotlib", reason="numbers are printed in its fonts")

from mnist_runtime import Classifier, read
from mnist_tools.rendering.camera import CONDITIONS, with_pen
from mnist_tools.rendering.documents import DOCUMENTS, photograph_document


@pytest.fixture(scope="module")
def classifier() -> Classifier:
    return Classifier.load()


@pytest.mark.long
@pytest.mark.parametrize("conditions", ["clean", "phone"])
@pytest.mark.parametrize("name", sorted(name for name in DOCUMENTS if "touch" not in name))
def test_the_digits_of_a_document_are_read(name: str, conditions: str, legible: object, classifier: Classifier) -> None:
    random = np.random.default_rng(2)
    digits, right = 0, 0
    for _ in range(3):
        document = DOCUMENTS[name](legible, random)
        picture = photograph_document(document, with_pen(CONDITIONS[conditions]), random)
        found = read(picture, classifier)
        for digit, row, column in document.digits:
            at = [each for each in found if each.box[0] <= column < each.box[2] and each.box[1] <= row < each.box[3]]
            assert len(at) <= 1
            right += bool(at) and at[0].prediction.digit == digit
        digits += len(document.digits)
        assert len(found) <= len(document.digits)  # empty boxes and lines are none
    assert right >= 0.96 * digits


@pytest.mark.long
@pytest.mark.parametrize(("name", "least"), [("pairs that touch", 0.2), ("three that touch", 0.04)])
def test_digits_that_touch_are_cut(name: str, least: float, legible: object, classifier: Classifier) -> None:
    """Without cuts, none of them is read. These digits are enlarged from 8x8 pixels; of MNIST's more are read."""
    random = np.random.default_rng(2)
    count, right, wrong = 0, 0, 0
    for _ in range(4):
        document = DOCUMENTS[name](legible, random)
        found = read(photograph_document(document, CONDITIONS["clean"], random), classifier)
        for digit, row, column in document.digits:
            middles = [((each.box[0] + each.box[2]) / 2, each) for each in found if each.box[1] <= row < each.box[3]]
            at = [each for middle, each in middles if abs(middle - column) <= 0.3 * (each.box[3] - each.box[1])]
            right += any(each.prediction.digit == digit for each in at)
            wrong += bool(at) and all(each.prediction.digit != digit for each in at)
        count += len(document.digits)
    assert right >= least * count
    assert wrong <= 0.1 * count

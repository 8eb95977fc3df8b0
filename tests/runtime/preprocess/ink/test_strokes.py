import numpy as np
import pytest

from mnist_runtime import Classifier, Prediction
from mnist_runtime.preprocess.ink.strokes import is_scribble, is_thin, stroke_width, thicken
from mnist_runtime.preprocess.prepare import Ink, prepare_symbols

ROWS, COLUMNS = np.indices((120, 120))


def bar(width: int, length: int = 110) -> np.ndarray:
    return np.ones((length, width), bool)


@pytest.mark.parametrize("width", [4, 6, 9])
def test_the_width_of_a_bar_is_measured(width: int) -> None:
    assert stroke_width(bar(width)) == pytest.approx(width, rel=0.15)


def test_a_thin_stroke_is_thickened_in_all_directions() -> None:
    thin = np.zeros((110, 60), bool)
    thin[:, 30:32] = True
    assert is_thin(thin, 110)
    thick = thicken(np.where(thin, np.float32(200), np.float32(0)), thin)
    assert thick.max() == 200
    assert stroke_width(thick > 0) == pytest.approx(10, abs=1.5)
    steps = (thick.shape[0] - 110) // 2
    rows, columns = np.nonzero(thick)
    beyond_ends = np.maximum(0, np.maximum(steps - rows, rows - (steps + 109)))
    beyond_sides = np.maximum(0, np.maximum(steps + 30 - columns, columns - (steps + 31)))
    assert np.hypot(beyond_ends, beyond_sides).max() < 5


def test_a_thick_stroke_is_unchanged() -> None:
    ink = np.random.default_rng(0).random((110, 12), np.float32)
    assert np.array_equal(thicken(ink, bar(12)), ink)
    assert not is_thin(bar(12), 110)


def rings(count: int, radius: float) -> np.ndarray:
    """Draw a column of rings."""
    middles = np.linspace(radius, 119 - radius, count)
    drawn = [np.abs(np.hypot(ROWS - middle, COLUMNS - 60) - radius + 2) < 2 for middle in middles]
    return np.where(np.logical_or.reduce(drawn), np.float32(255), np.float32(0))


@pytest.mark.parametrize(("count", "expected"), [(1, False), (2, False), (3, True), (4, True)])
def test_more_than_two_holes_are_a_scribble(count: int, expected: bool) -> None:
    assert is_scribble(rings(count, 58 / count)) is expected


def test_gaps_in_the_grain_of_a_pencil_are_not_holes() -> None:
    eight = rings(2, 29)
    eight[np.random.default_rng(0).random(eight.shape) < 0.02] = 0
    assert not is_scribble(eight)


def test_digits_are_not_scribbles(legible: object) -> None:
    assert not any(is_scribble(np.kron(image, np.ones((4, 4))).astype(np.float32)) for image in legible.images)


def test_doodles_are_scribbles() -> None:
    pytest.importorskip("scipy", reason="doodles are rendered with SciPy")
    from mnist_tools.rendering.nothing import NOTHING

    random = np.random.default_rng(3)
    assert sum(prepare_symbols(NOTHING["doodle"](random)).ink.is_scribble for _ in range(10)) >= 8


def test_a_scribble_has_no_digit_at_any_confidence(monkeypatch: pytest.MonkeyPatch) -> None:
    classifier = Classifier.load()
    monkeypatch.setattr(classifier, "predict_proba", lambda images: np.eye(10, dtype=np.float32)[[8] * len(images)])
    eight, scribble = classifier.classify_ink([Ink.of(rings(2, 29)), Ink.of(rings(4, 14.5))])
    assert eight == Prediction.of(np.eye(10)[8], 0.5)
    assert (scribble.digit, scribble.ranking[0]) == (None, (8, 1.0))

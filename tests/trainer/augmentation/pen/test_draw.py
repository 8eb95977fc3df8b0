"""The simulated pen writes readable digits in MNIST form, in every shape of its tables."""

from collections.abc import Sequence
from itertools import combinations

import numpy as np
import pytest

from mnist_runtime import Classifier
from mnist_trainer.augmentation.pen.draw import draw_digits, draw_shape, draw_signs
from mnist_trainer.augmentation.pen.hand import DISPLAY, PRESS, WRITER, Hand
from mnist_trainer.augmentation.pen.skeleton import Skeleton
from mnist_trainer.augmentation.pen.styles.printed import PRINTED, SEGMENTS
from mnist_trainer.augmentation.pen.styles.signs import SIGNS
from mnist_trainer.augmentation.pen.styles.written import WRITTEN

TABLES = {"written": (WRITTEN, WRITER), "printed": (PRINTED, PRESS), "segments": (SEGMENTS, DISPLAY)}
SHAPES = [shape for table, _ in TABLES.values() for shapes in table for shape in shapes] + list(SIGNS)


def middle(images: np.ndarray) -> np.ndarray:
    """Return row and column of each image's center of mass."""
    mass = images.sum(axis=(1, 2), dtype=float)
    places = np.arange(28)
    return np.stack([(images.sum(axis=axis) * places).sum(axis=1) / mass for axis in (2, 1)], axis=1)


def sides(images: np.ndarray) -> np.ndarray:
    """Return the longer side of the ink of each image."""
    ink = images > 127
    return np.maximum(*(np.ptp(np.where(ink.any(axis=axis), np.arange(28), 14), axis=1) + 1 for axis in (1, 2)))


@pytest.mark.long
@pytest.mark.parametrize("draw", [lambda: draw_digits(600, 5)[0], lambda: draw_signs(600, 5)], ids=["digits", "signs"])
def test_images_have_the_form_of_mnist(draw) -> None:
    images = draw()
    assert (images.shape, images.dtype) == ((600, 28, 28), np.uint8)
    assert images.max(axis=(1, 2)).min() == 255
    assert 17 <= np.median(sides(images)) <= 20
    assert sides(images).max() <= 22
    assert np.abs(np.median(middle(images), axis=0) - 14).max() < 0.2
    assert 0.06 < images.mean() / 255 < 0.16
    assert len(np.unique(images, axis=0)) == 600


def test_a_seed_gives_the_same_images_and_another_seed_others() -> None:
    (images, labels), (again, _), (other, _) = draw_digits(50, 1), draw_digits(50, 1), draw_digits(50, 2)
    assert np.array_equal(images, again)
    assert not np.array_equal(images, other)
    assert np.array_equal(draw_signs(9, 1), draw_signs(9, 1))
    assert not np.array_equal(draw_signs(9, 1), draw_signs(9, 2))
    assert np.bincount(labels).tolist() == [5] * 10


@pytest.mark.parametrize("count", [0, 1, 3])
def test_any_number_of_images_can_be_drawn(count: int) -> None:
    images, labels = draw_digits(count, 0)
    assert len(images) == len(labels) == len(draw_signs(count, 0)) == count


@pytest.mark.long
def test_a_model_trained_on_mnist_alone_reads_most_drawings_as_their_label() -> None:
    """A wrong label, a mirrored axis or an unreadable shape would show here."""
    images, labels = draw_digits(1000, 7)
    with Classifier.load() as classifier:
        right = classifier.predict(images) == labels
    assert right.mean() > 0.9
    assert min(right[labels == digit].mean() for digit in range(10)) > 0.75


@pytest.mark.parametrize("name", TABLES)
def test_each_digit_is_written_in_several_ways(name: str) -> None:
    table, _ = TABLES[name]
    assert len(table) == 10
    for shapes in table:
        held_out = [shape for shape in shapes if shape.is_held_out]
        assert len(held_out) == (name == "written")
        assert len(shapes) - len(held_out) >= (7 if name == "written" else 1)


def test_held_out_shapes_are_drawn_on_request_only(monkeypatch: pytest.MonkeyPatch) -> None:
    drawn: set[Skeleton] = set()
    trace = "mnist_trainer.augmentation.pen.draw.trace"
    from mnist_trainer.augmentation.pen.trace import trace as real

    def recorded(shape: Skeleton, *others: object) -> object:
        drawn.add(shape)
        return real(shape, *others)  # type: ignore[arg-type]

    monkeypatch.setattr(trace, recorded)
    draw_digits(300, 0, held_out=True)
    assert drawn
    assert all(shape.is_held_out for shape in drawn)
    drawn.clear()
    draw_digits(300, 0)
    assert not any(shape.is_held_out for shape in drawn)


@pytest.mark.parametrize("hand", [WRITER, PRESS, DISPLAY], ids=["writer", "press", "display"])
def test_every_hand_draws_every_kind_of_shape(hand: Hand) -> None:
    for shape in (WRITTEN[1][0], WRITTEN[8][2], PRINTED[7][2], SEGMENTS[0][0], SIGNS[-1]):
        images = draw_shape(shape, hand, 4, 0)
        assert np.isfinite(images).all()
        assert (images.max(axis=(1, 2)) == 255).all()


@pytest.mark.parametrize("shapes", [*WRITTEN, *PRINTED, SIGNS], ids=lambda shapes: shapes[0].name)
def test_shapes_of_a_row_have_different_names_and_forms(shapes: Sequence[Skeleton]) -> None:
    assert len({shape.name for shape in shapes}) == len(shapes)
    for one, other in combinations(shapes, 2):
        assert one.lines != other.lines


def test_joints_lie_in_or_near_the_unit_square_and_paths_pass_through_them() -> None:
    for shape in SHAPES:
        paths = shape.paths
        assert paths.joints.min() >= -0.3, shape
        assert paths.joints.max() <= 1.25, shape
        path = paths.smooth @ paths.joints
        away = np.linalg.norm(path[:, None] - paths.joints[None], axis=2).min(axis=0)
        assert away.max() < 1e-5, shape
        np.testing.assert_allclose(paths.smooth.sum(axis=1), 1, atol=1e-4)
        np.testing.assert_allclose(paths.rounded.sum(axis=1), 1, atol=1e-4)


def test_a_corner_is_sharp_and_other_joints_are_round() -> None:
    sharp, smooth = Skeleton("corner", "0,0 50,50* 100,0"), Skeleton("curve", "0,0 50,50 100,0")
    for shape, greatest in ((sharp, 0.8), (smooth, 0.2)):
        path = shape.paths.smooth @ shape.paths.joints
        steps = np.diff(path, axis=0) / np.linalg.norm(np.diff(path, axis=0), axis=1, keepdims=True)
        turn = 1 - (steps[:-1] * steps[1:]).sum(axis=1)
        assert (turn.max() > 0.8) == (greatest > 0.5)

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mnist_exporters import Calibration
from mnist_exporters.errors import CalibrationError, UsageError
from mnist_exporters.inputs.calibration import check_draw
from mnist_exporters.inputs.labelled_images import ImageSet, leave_out_shared
from mnist_runtime.artifact.task import Task
from mnist_trainer import Dataset, Splits

LABELS = np.random.default_rng(0).integers(0, 10, 400).astype(np.uint8)
IMAGES = np.random.default_rng(1).integers(0, 250, (400, 28, 28), np.uint8) // 2
TRAINING = Dataset("made up", "train", "here", IMAGES, LABELS)


@settings(max_examples=50)
@given(st.integers(1, 400), st.integers(0, 2**31 - 1))
def test_digits_are_drawn_in_equal_numbers(count: int, seed: int) -> None:
    drawn = Calibration.draw(TRAINING, count, seed)
    assert len(drawn.images) == count
    label_of = {image[1:-1].tobytes(): label for image, label in zip(IMAGES, LABELS, strict=True)}
    drawn_of_each = np.bincount([label_of[image[1:-1].tobytes()] for image in drawn.images], minlength=10)
    available = np.bincount(LABELS, minlength=10)
    unfinished = drawn_of_each < available
    assert np.ptp(drawn_of_each[unfinished]) <= 1 if unfinished.any() else count == 400
    assert len({image.tobytes() for image in drawn.images}) == count


def test_draw_depends_on_the_seed_only() -> None:
    first, again, other = (Calibration.draw(TRAINING, 50, seed).as_dict() for seed in (3, 3, 4))
    assert first == again
    assert first["sha256"] != other["sha256"]


def test_one_pixel_is_255_and_the_data_is_unchanged() -> None:
    drawn = Calibration.draw(TRAINING, 10, seed=0)
    assert drawn.images.max() == 255
    assert (drawn.images == 255).sum() == 1
    assert IMAGES.max() < 255


def test_parts_have_each_class_as_often_and_pixels_of_0_and_255() -> None:
    """An integer file of a part takes raw pixels too."""
    bright = Dataset("made up", "train", "here", IMAGES + 60, LABELS)
    drawn = Calibration.draw(bright, 80, seed=0, left_out=3)
    label_of = {image[1:-1].tobytes(): label for image, label in zip(bright.images, LABELS, strict=True)}
    first, second = drawn.halves()
    for part, each in ((drawn, 8), (first, 4), (second, 4), (drawn.first(20), 2)):
        found = [label_of[image[1:-1].tobytes()] for image in part.images]
        assert np.bincount(found).tolist() == [each] * 10
        assert ((part.images == 0).sum(), (part.images == 255).sum()) == (1, 1)
        assert part.tensors.shape == (len(found), 28, 28, 1)
        assert part.as_dict()["left_out"] == 3
    assert not {image[1:-1].tobytes() for image in first.images} & {image[1:-1].tobytes() for image in second.images}
    assert len(drawn.first(81).images) == 80
    assert "left_out" not in Calibration.draw(TRAINING, 10, seed=0).as_dict()


def test_white_images_get_a_black_pixel_and_colors_stay_apart() -> None:
    white = np.full((8, 12, 9, 3), 255, np.uint8)
    task = Task(12, 9, 3, ("a", "b"), "plain")
    drawn = Calibration.draw(ImageSet("white", white, np.arange(8, dtype=np.uint8) % 2, task), 6, seed=7)
    assert (drawn.images == 0).any()
    assert (drawn.classes, drawn.tensors.shape, drawn.as_dict()["seed"]) == (2, (6, 12, 9, 3), 7)
    assert white.min() == 255


@pytest.mark.parametrize(("samples", "seed"), [(2.0, 0), (True, 0), ("9", 0), (9, -1), (9, 1.0), (9, False)])
def test_what_is_no_number_for_a_draw_is_a_usage_error(samples: object, seed: object) -> None:
    check_draw(None, 0)
    check_draw(9, np.int64(0))
    with pytest.raises(UsageError, match="must be a whole number"):
        check_draw(samples, seed)


def test_overlap_with_the_test_images_is_an_error(digits: Splits) -> None:
    drawn = Calibration.draw(digits.train, 50, seed=0)
    drawn.check_overlap(digits.test.images)
    with pytest.raises(CalibrationError, match="1 of 50 calibration images are also test images"):
        drawn.check_overlap(np.concatenate([digits.test.images, drawn.images[7:8]]))


@pytest.mark.parametrize(
    ("count", "available", "advice"),
    [
        (0, 400, "400 training images. Draw at least one."),
        (401, 400, "400 training images. Draw fewer, or give more data."),
        (0, 0, "0 training images. Give more data."),
    ],
)
def test_too_many_or_no_images_are_an_error(count: int, available: int, advice: str) -> None:
    with pytest.raises(CalibrationError, match=f"Cannot draw {count} calibration images: .* has {advice}$"):
        Calibration.draw(ImageSet("made up", IMAGES[:available], LABELS[:available]), count, seed=0)


def test_no_test_image_is_drawn(digits: Splits) -> None:
    drawn = Calibration.draw(digits.train, len(digits.train), seed=0)
    test = {image.tobytes() for image in digits.test.images}
    assert not test & {image.tobytes() for image in drawn.images}


def test_test_images_are_left_out_of_the_training_images_with_their_labels() -> None:
    task, labels = Task(8, 8, 1, ("a", "b", "c"), "plain"), (np.arange(60) % 3).astype(np.uint8)
    images = np.random.default_rng(0).integers(0, 256, (60, 8, 8), np.uint8)
    chosen = np.r_[np.full(10, 29), :30]  # a test image is among them eleven times
    training, test = (ImageSet("own", images[part], labels[part], task) for part in (chosen, slice(29, None)))
    rest, left_out = leave_out_shared(training, test)
    assert left_out == 11
    assert rest.task == task
    assert np.array_equal(rest.images, images[:29])
    assert np.array_equal(rest.labels, labels[:29])
    with pytest.raises(CalibrationError, match=r"^2 of 31 test images of own are also training images, more than 5%"):
        leave_out_shared(ImageSet("own", images[:31], labels[:31], task), test)
